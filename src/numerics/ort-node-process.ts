import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Reply, Request } from './ort-node-protocol.js';
import { RuntimeRefusal, RuntimeTimeout } from './runtime.js';

/** Characters of the worker's error output that are kept for the message about its death. */
const ERROR_TAIL = 2000;

/** Sends one request to the worker and gives its reply. */
export type Ask = (request: Request) => Promise<Reply>;

/**
 * The worker process: started by the first request and again after its death, killed when a request takes longer than the limit. It keeps the
 * parent alive only while a request is under way.
 */
export class OrtProcess {
  readonly #packagePath: string;
  readonly #limitMs: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #errors = '';
  #epoch = 0;
  #closed = false;
  #tail: Promise<unknown> = Promise.resolve();

  /** `folder` is that of temporary files, which the worker removes when this process is gone. */
  constructor(packagePath: string, limitMs: number, folder: string) {
    this.#packagePath = packagePath;
    this.#limitMs = limitMs;
    this.#folder = folder;
  }

  /** Grows with every death of the worker: what was opened in an earlier epoch is gone. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Runs `task` when all earlier tasks are done; nothing else is asked of the worker meanwhile. */
  exclusive<T>(task: (ask: Ask) => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => task((request) => this.#ask(request)));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Kills the worker; requests under way and later ones are refused. */
  close(): void {
    this.#closed = true;
    this.#child?.kill('SIGKILL');
  }

  /** Starts the worker where none is there; without this, the first request does. */
  start(): void {
    if (!this.#child && !this.#closed) this.#spawn();
  }

  #spawn(): ChildProcess {
    const child = fork(new URL('./ort-node-worker.js', import.meta.url), [this.#packagePath, this.#folder], {
      serialization: 'advanced',
      execArgv: [],
      // It would leave files of its own in the folder of temporary files.
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-ERROR_TAIL);
    });
    child.on('error', () => this.#forget(child));
    child.on('close', () => this.#forget(child));
    setKeepsAlive(child, false);
    return child;
  }

  #forget(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#epoch++;
  }

  async #ask(request: Request): Promise<Reply> {
    if (this.#closed) throw new RuntimeRefusal('crash', 'the runtime was closed');
    const child = this.#child ?? this.#spawn();
    setKeepsAlive(child, true);
    try {
      return await this.#exchange(child, request);
    } finally {
      setKeepsAlive(child, false);
      // A new worker warms up while the caller deals with the failure.
      this.start();
    }
  }

  #exchange(child: ChildProcess, request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('close', onClose).off('error', onError);
        outcome();
      };
      const onMessage = (reply: unknown): void => settle(() => resolve(reply as Reply));
      const onClose = (code: number | null, signal: string | null): void =>
        settle(() => reject(this.#death(signal ?? `exit code ${code}`)));
      const onError = (error: Error): void => settle(() => reject(this.#death(error.message)));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        this.#forget(child);
        settle(() => reject(new RuntimeTimeout(this.#limitMs)));
      }, this.#limitMs);
      child.on('message', onMessage).on('close', onClose).on('error', onError);
      // A failure to send is the death of the worker, which `close` reports.
      child.send(request, () => undefined);
    });
  }

  #death(how: string): RuntimeRefusal {
    if (this.#closed) return new RuntimeRefusal('crash', 'the runtime was closed');
    const said = this.#errors.trim();
    return new RuntimeRefusal('crash', `onnxruntime crashed (${how})${said ? `: ${said}` : ''}`);
  }
}

/** Whether the child and its pipes keep the parent's event loop alive. */
function setKeepsAlive(child: ChildProcess, alive: boolean): void {
  const method = alive ? 'ref' : 'unref';
  child[method]();
  child.channel?.[method]();
  (child.stderr as Socket | null)?.unref();
}
