// The processor time of another process in ns, which `/proc/PID/stat` only has
// in ticks of 10 ms: that would be 2 % of half a second. It is that of all
// threads, those that have ended too. Linux only.

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  clock_getcpuclockid: { parameters: ["i32", "buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
});

const clock = new Int32Array(1);
const time = new BigInt64Array(2); // seconds and ns

/** The processor time of a process since its start, all threads, in us. */
export function exactCpuMicros(pid: number): number {
  if (
    libc.clock_getcpuclockid(pid, clock) !== 0 ||
    libc.clock_gettime(clock[0], time) !== 0
  ) throw new Error(`Process ${pid} has no clock`);
  return Number(time[0]) * 1_000_000 + Number(time[1]) / 1000;
}
