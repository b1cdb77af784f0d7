import { anyFreePort } from "./choose-ports.ts";
import { launchProgram } from "./launch-program.ts";
import { SERVICE_NAMES, type ServiceName, type Surroundings, serviceProgram } from "./programs.ts";
import { StackError } from "./stack-error.ts";
import type { StackEvent } from "./stack-event.ts";
import { type Supervised, supervise } from "./supervise.ts";
import { watchServing } from "./watch-serving.ts";

/** One of the processes that a service consists of. */
export interface Instance {
  /** `order`, and `order-1`, `order-2` … beside it. */
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
}

/** The services as processes, as many of each as there shall be. */
export class ServiceInstances {
  readonly #options: ServiceInstancesOptions;
  readonly #instances: Record<ServiceName, RunningInstance[]> = { payment: [], product: [], order: [] };
  /** Two wishes at once would count on each other's instances. */
  #lastStart: Promise<unknown> = Promise.resolve();

  constructor(options: ServiceInstancesOptions) {
    this.#options = options;
  }

  of(service: ServiceName): readonly Instance[] {
    return this.#instances[service];
  }

  all(): readonly Instance[] {
    return SERVICE_NAMES.flatMap((service) => this.#instances[service]);
  }

  /**
   * Starts what is missing and stops the newest of what is too much. Resolves when that many serve.
   * @throws {StackError} For a count that is none.
   */
  async scale(service: ServiceName, count: number): Promise<void> {
    if (!Number.isInteger(count) || count < 1) {
      throw new StackError(`Cannot scale ${service}: wanted is a whole number of instances from 1 up, got ${count}`);
    }
    const instances = this.#instances[service];
    const started = this.#lastStart.then(async () => {
      const tooMany = instances.splice(count);
      while (instances.length < count) instances.push(await this.#start(service, instances.length));
      return tooMany;
    });
    this.#lastStart = started.catch(() => undefined); // who asked hears of it
    const tooMany = await started;
    await Promise.all([
      ...tooMany.map((each) => each.process.stop(this.#options.stopWithinMs)),
      ...instances.map((each) => each.process.ready()),
    ]);
  }

  /** Ends all of them for good: orderly, by force after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    await this.#lastStart;
    await Promise.all(this.all().map((each) => each.process.stop(withinMs)));
  }

  async #start(service: ServiceName, index: number): Promise<RunningInstance> {
    const { ports, surroundings, logs, before, onEvent, onServing } = this.#options;
    const name = index === 0 ? service : `${service}-${index}`;
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
          return launchProgram(program, { logs, answers });
        },
      }),
    };
    /** Resolves when it serves for the first time in this life, and goes on to watch it until its end. */
    function answers(ended: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        const onChange = (serving: boolean) => {
          instance.serving = serving;
          onServing();
          if (serving) resolve();
        };
        watchServing(`127.0.0.1:${port}`, onChange, ended).catch(reject);
      });
    }
    return instance;
  }
}

interface RunningInstance extends Instance {
  serving: boolean;
}
