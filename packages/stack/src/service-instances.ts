import { anyFreePort } from "./choose-ports.ts";
import { launchProgram } from "./launch-program.ts";
import { SERVICE_NAMES, type ServiceName, type Surroundings, serviceProgram } from "./programs.ts";
import { StackError } from "./stack-error.ts";
import type { StackEvent } from "./stack-event.ts";
import { type Supervised, supervise } from "./supervise.ts";
import { watchServing } from "./watch-serving.ts";

/** One of the processes that a service consists of. */
export interface Instance {
  /** `order`, and `order-1`, `order-2` … beside it: no other one has it before this one has ended. */
  readonly name: string;
  readonly service: ServiceName;
  readonly port: number;
  readonly process: Supervised;
  /** Its health is SERVING. */
  readonly serving: boolean;
}

export interface ServiceInstancesOptions {
  /** Where the first instance of each service listens, on 127.0.0.1. The others take any free port. */
  ports: Readonly<Record<ServiceName, number>>;
  surroundings: Surroundings;
  logs: string;
  /** Longest time that an instance has to end in when there shall be fewer. Unit: milliseconds. */
  stopWithinMs: number;
  /** Resolves when a service can be started; it waits for whatever else it needs by itself. */
  before: (stopping: AbortSignal) => Promise<void>;
  onEvent: (event: StackEvent) => void;
  /** An instance has begun or ceased to serve. */
  onServing: () => void;
  /** @default {@link launchProgram} */
  launch?: typeof launchProgram;
}

/** The services as processes, as many of each as there shall be. */
export class ServiceInstances {
  readonly #options: ServiceInstancesOptions;
  readonly #instances: Record<ServiceName, RunningInstance[]> = { payment: [], product: [], order: [] };
  /** Those that were too many, until they have ended. */
  readonly #leaving = new Map<RunningInstance, Promise<void>>();
  /** Two wishes at once would count on each other's instances. */
  #lastStart: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(options: ServiceInstancesOptions) {
    this.#options = options;
  }

  /** Those that there shall be. */
  of(service: ServiceName): readonly Instance[] {
    return this.#instances[service];
  }

  /** All that run, those too that are told to end and have not yet. */
  all(): readonly Instance[] {
    return [...SERVICE_NAMES.flatMap((service) => this.#instances[service]), ...this.#leaving.keys()];
  }

  /**
   * Starts what is missing and stops the newest of what is too much. Resolves when that many serve.
   * @throws {StackError} For a count that is none, when all of them are being stopped, and when one could not be started:
   * that is forgotten, the others stay.
   */
  async scale(service: ServiceName, count: number): Promise<void> {
    if (!Number.isInteger(count) || count < 1) {
      throw new StackError(`Cannot scale ${service}: wanted is a whole number of instances from 1 up, got ${count}`);
    }
    if (this.#stopping) throw new StackError(`Cannot scale ${service}: all services are being stopped`);
    const instances = this.#instances[service];
    const started = this.#lastStart.then(async () => {
      const ends = instances.splice(count).map((each) => this.#leave(each));
      while (instances.length < count) this.#keep(await this.#start(service));
      return { ends, instances: [...instances] };
    });
    this.#lastStart = started.catch(() => undefined); // who asked hears of it
    const now = await started;
    await Promise.all([...now.ends, ...now.instances.map((each) => each.process.ready())]);
  }

  /** Ends all of them for good: orderly, by force after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    await this.#lastStart;
    const staying = SERVICE_NAMES.flatMap((service) => this.#instances[service]);
    // Those that leave are not told again: a second signal would cut what they have under way.
    await Promise.all([...this.#leaving.values(), ...staying.map((each) => each.process.stop(withinMs))]);
  }

  /** Ends all of them for good and by force, also where `stop` still waits. */
  end(): void {
    this.#stopping = true;
    for (const { process } of this.all()) process.end();
  }

  #keep(instance: RunningInstance): void {
    const instances = this.#instances[instance.service];
    instances.push(instance);
    instance.process.ready().catch(() => {
      const index = instances.indexOf(instance);
      if (index >= 0 && !this.#stopping) instances.splice(index, 1);
    });
  }

  #leave(instance: RunningInstance): Promise<void> {
    const ended = instance.process.stop(this.#options.stopWithinMs).finally(() => this.#leaving.delete(instance));
    this.#leaving.set(instance, ended);
    return ended;
  }

  async #start(service: ServiceName): Promise<RunningInstance> {
    const { ports, surroundings, logs, before, onEvent, onServing, launch = launchProgram } = this.#options;
    const names = new Set(this.all().map((each) => each.name));
    let index = 0;
    while (names.has(nameOf(service, index))) index += 1;
    const name = nameOf(service, index);
    const taken = new Set([...Object.values(ports), ...this.all().map((each) => each.port)]);
    const port = index === 0 ? ports[service] : await anyFreePort(taken);
    const program = serviceProgram(name, service, port, surroundings);
    const instance: RunningInstance = {
      name,
      service,
      port,
      serving: false,
      process: supervise({
        name,
        onEvent,
        async launch(stopping) {
          await before(stopping);
          return launch(program, { logs, answers });
        },
      }),
    };
    const say = (message: string) => onEvent({ kind: "progress", process: name, message });
    /** Resolves when it serves for the first time in this life, and goes on to watch it until its end. */
    function answers(ended: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        const onChange = (serving: boolean) => {
          instance.serving = serving;
          onServing();
          if (serving) resolve();
        };
        watchServing(`127.0.0.1:${port}`, onChange, ended).catch((error: Error) => {
          reject(error);
          // Nobody would ever know again whether it serves. Its next life is watched anew.
          say(`its health cannot be watched: ${error.message}`);
          instance.serving = false;
          if (!ended.aborted) instance.process.kill("SIGKILL");
          try {
            onServing();
          } catch (cause) {
            say(`cannot tell that it does not serve: ${(cause as Error).message}`);
          }
        });
      });
    }
    return instance;
  }
}

function nameOf(service: ServiceName, index: number): string {
  return index === 0 ? service : `${service}-${index}`;
}

interface RunningInstance extends Instance {
  serving: boolean;
}
