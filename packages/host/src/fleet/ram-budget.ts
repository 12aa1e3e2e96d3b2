import { totalmem } from "node:os";
import { instanceMemoryMb, type MemoryNeed } from "../launcher/launcher.ts";

/** The share of the machine's memory that instances may be allotted, unless a limit sets it. */
const RAM_SHARE = 0.8;

/** A service that reserves memory for its instances. */
export interface MemoryUser {
  readonly instances: readonly unknown[];
  readonly live: { readonly leverJson: MemoryNeed };
  reconcile(): void;
}

/** The memory that the instances of a host may be allotted, in megabytes, and the services that wait for memory. */
export class RamBudget {
  readonly max: number;
  readonly #waiting = new Set<MemoryUser>();
  #reserved = 0;

  /** 0 = a share of the machine's memory. */
  constructor(max: number) {
    this.max = max || Math.floor((totalmem() * RAM_SHARE) / 1e6);
  }

  /** For instances that run or are being prepared. */
  get reserved(): number {
    return this.#reserved;
  }

  fits(ram: number): boolean {
    return this.#reserved + ram <= this.max;
  }

  reserve(ram: number): void {
    this.#reserved += ram;
  }

  release(ram: number): void {
    this.#reserved -= ram;
  }

  /** Whether a service may start one more instance now. If not, and the instance is needed, the service `waits`. */
  request(service: MemoryUser, { isNeeded }: { isNeeded: boolean }): "yes" | "no" | "waits" {
    const isFree = this.fits(instanceMemoryMb(service.live.leverJson));
    if (isFree && (isNeeded || this.#waiting.size === 0)) {
      this.#waiting.delete(service);
      return "yes";
    }
    if (!isNeeded || this.#waiting.has(service)) return "no";
    this.#waiting.add(service);
    return "waits";
  }

  cancelRequest(service: MemoryUser): void {
    this.#waiting.delete(service);
  }

  /** Memory is free again: reconciles services without instances first, then those that have waited longest. */
  wakeWaiting(): void {
    const waiting = [...this.#waiting];
    const rank = ({ instances }: MemoryUser): number => (instances.length === 0 ? 0 : 1);
    waiting.sort((a, b) => rank(a) - rank(b));
    for (const service of waiting) {
      this.#waiting.delete(service);
      service.reconcile();
    }
  }
}
