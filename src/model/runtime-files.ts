/** Where our time client writes down when it set the clock, in seconds since the kernel started. */
export function correctionFile(runtimeDir: string): string {
  return `${runtimeDir}/chrony/corrected`;
}
