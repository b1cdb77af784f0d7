import type { RpcError } from "../errors/rpc-error.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import { requestFault } from "../validation/read-request.ts";
import { registry } from "../validation/registry.ts";

/** Stands in for a request that may not reach its handler. */
export class RefusedRequest {
  readonly error: RpcError;
  constructor(error: RpcError) {
    this.error = error;
  }
}

/**
 * The service definition with decoders that check each request against the contract. A decoder cannot answer with a
 * status of its own (grpc-js makes INTERNAL of whatever it throws), so a refused request travels on as a RefusedRequest
 * up to the handler's wrapper.
 */
export function checkedDefinition<Definition extends ServiceDefinition>(definition: Definition): Definition {
  const service = registry.getService(definition.fullName);
  if (service === undefined) throw new Error(`The contracts have no service "${definition.fullName}"`);

  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const input = service.methods.find(({ name }) => name === method.name)?.input;
    if (input === undefined) throw new Error(`The contracts have no method "${definition.fullName}/${method.name}"`);
    const decode = (bytes: Uint8Array): unknown => {
      const fault = requestFault(input, bytes);
      return fault === undefined ? method.requestType.decode(bytes) : new RefusedRequest(fault);
    };
    return [key, { ...method, requestType: { ...method.requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}
