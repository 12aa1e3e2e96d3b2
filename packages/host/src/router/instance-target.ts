import type { CallListener, CallTarget, LeverError, StartTimes } from "@leveros/protocol";

/** A call with messages in both directions that has a place on an instance. */
interface Stream {
  /** An HTTP request ends soon: it has the time that regular calls have. */
  readonly isRequest?: boolean;
  /** Ends it with Lever's error. */
  refuse(error: LeverError): void;
}

/** An instance as the router sees it. */
export interface InstanceTarget {
  readonly instance: string;
  readonly version: number;
  /** Takes the instance's calls. */
  readonly callee: CallTarget & {
    /** The listeners of the calls that it has. undefined for a service inside the host. */
    openCalls?(): readonly CallListener[];
  };
  /** Calls and open streams. */
  callsInFlight: number;
  /** Open streams only. */
  streamsInFlight: number;
  /** undefined = it has had no stream. */
  openStreams?: Set<Stream>;
  /** It has answered a call, so a later failure is not a failed start. */
  hasServed?: boolean;
  /** Duration of its start. undefined for a service inside the host. */
  start?: StartTimes;
  /** When its start was over, by the host's clock. */
  readyAt?: number;
  /** It is another host, which may decline calls. Absent = it is an instance. */
  readonly isHost?: boolean;
}

export function addStream(target: InstanceTarget, stream: Stream): void {
  target.streamsInFlight++;
  target.openStreams ??= new Set();
  target.openStreams.add(stream);
}

export function removeStream(target: InstanceTarget, stream: Stream): void {
  target.streamsInFlight--;
  target.openStreams?.delete(stream);
}

/** Ends every stream of an instance, but no HTTP request, with Lever's error. */
export function endStreams({ openStreams }: InstanceTarget, error: LeverError): void {
  for (const stream of [...(openStreams ?? [])])
    if (stream.isRequest !== true) stream.refuse(error);
}
