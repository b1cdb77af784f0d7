/** What ts-proto generates for a service, as far as this package looks into it. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

/** One method of it. */
export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageFns;
  readonly requestStream: boolean;
  readonly responseType: MessageFns;
  readonly responseStream: boolean;
  readonly options: object;
}

interface MessageFns {
  encode(message: never): { finish(): Uint8Array };
  decode(input: Uint8Array): unknown;
  fromPartial(object: never): unknown;
}
