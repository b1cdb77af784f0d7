/** What is measured: a client and a server of one contender. */
export interface Pair {
  /** In tables. */
  name: string;
  /** File of bench/contenders, without ending. */
  contender: string;
  /** Interceptors of the client, by their name in bench/interceptors. @default none */
  clientChain?: string;
  /** The same of the server. @default none */
  serverChain?: string;
}

/** What is called: a method with one answer, or one that answers with a stream. */
export type Shape = "unary" | "stream";
