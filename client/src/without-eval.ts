import { config } from "zod";

/*
 * zod finds out whether it may compile its schemas by trying to, which a page with a strict content security
 * policy sees as a violation, and reports. It is told not to try before the first schema is made.
 */
config({ jitless: true });
