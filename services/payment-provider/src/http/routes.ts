import { type AdminDeps, getState, setMode, setProfile } from "./admin.ts";
import type { CarryOutDeps } from "./carry-out.ts";
import { createCapture } from "./create-capture.ts";
import { createRefund } from "./create-refund.ts";
import type { HttpHandler } from "./handler.ts";
import { listEffects } from "./list-effects.ts";

/** Path → method → handler. */
export type Routes = Readonly<Record<string, Readonly<Record<string, HttpHandler>>>>;

/** Everything that the provider answers to. */
export function routes(deps: CarryOutDeps & AdminDeps & { newId: () => string }): Routes {
  return {
    "/v1/captures": { POST: createCapture(deps), GET: listEffects(["capture", "decline"], deps) },
    "/v1/refunds": { POST: createRefund(deps), GET: listEffects(["refund"], deps) },
    "/admin/mode": { PUT: setMode(deps) },
    "/admin/profile": { PUT: setProfile(deps) },
    "/admin/state": { GET: getState(deps) },
    "/healthz": { GET: async () => ({ status: 200, body: { status: "ok" } }) },
  };
}
