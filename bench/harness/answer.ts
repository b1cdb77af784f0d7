interface Question {
  id: number;
  question: string;
  args: unknown;
}

/** Answers the questions of the process that started this one, and ends with it. */
export function answerQuestions(handlers: Record<string, (args: never) => unknown>): void {
  process.on("message", ({ id, question, args }: Question) => {
    const handle = handlers[question];
    const answer = async () => {
      if (handle === undefined) throw new Error(`Cannot answer "${question}"`);
      return handle(args as never);
    };
    answer().then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
