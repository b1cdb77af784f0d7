import { z } from "zod";
import type { Effects } from "../domain/effects.ts";
import { MODES } from "../domain/mode.ts";
import type { BehaviourSwitch } from "./behaviour-switch.ts";
import type { HttpHandler } from "./handler.ts";
import type { InProgress } from "./in-progress.ts";
import { readJson } from "./read-json.ts";

const Mode = z.strictObject({
  mode: z.enum(MODES),
  /** For the next so many captures and refunds that it changes. Absent: until it is set again. */
  times: z.int().min(1).max(1_000_000).optional(),
});
const Profile = z.strictObject({ honours_idempotency_keys: z.boolean() });

export interface AdminDeps {
  behaviour: BehaviourSwitch;
  effects: Effects;
  inProgress: InProgress;
}

/** `PUT /admin/mode` */
export function setMode(deps: AdminDeps): HttpHandler {
  return async ({ raw }) => {
    const { mode, times } = await readJson(raw, Mode);
    deps.behaviour.change({ mode, timesLeft: mode === "ok" ? undefined : times });
    return state(deps);
  };
}

/** `PUT /admin/profile` */
export function setProfile(deps: AdminDeps): HttpHandler {
  return async ({ raw }) => {
    const { honours_idempotency_keys } = await readJson(raw, Profile);
    deps.behaviour.change({ honoursKeys: honours_idempotency_keys });
    return state(deps);
  };
}

/** `GET /admin/state` */
export function getState(deps: AdminDeps): HttpHandler {
  return async () => state(deps);
}

function state({ behaviour, effects, inProgress }: AdminDeps) {
  const { mode, timesLeft, honoursKeys } = behaviour.get();
  return {
    status: 200,
    body: {
      mode,
      times_left: timesLeft ?? null,
      honours_idempotency_keys: honoursKeys,
      effects: effects.count,
      in_progress: inProgress.count,
    },
  };
}
