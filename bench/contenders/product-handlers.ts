import { MESSAGES_PER_STREAM, PAGE, RESPONSE } from "./payload.ts";

/** The handlers of the contenders that take async functions and generators. */
export const handlers = {
  getProduct: async () => RESPONSE,
  async *listProducts() {
    for (let sent = 0; sent < MESSAGES_PER_STREAM; sent++) yield PAGE;
  },
};
