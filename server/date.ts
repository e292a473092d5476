import { HttpDate } from "../wire/date.ts";

/** The `Date` of all servers of this process; their clocks renew it. */
export const httpDate: HttpDate = new HttpDate();
