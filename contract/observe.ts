import { z } from "zod";

/** How the original image is observed. */
export const Observe = z.strictObject({
  /** How often each scenario runs on it, each time on fresh containers. What any of these runs used is kept. */
  repeat: z.int().min(1).max(5).default(1),
});
export type Observe = z.infer<typeof Observe>;
