/** Fields of /proc/PID/stat from the third, the state, on: proc_pid_stat(5). The name before may have any character, brackets too. */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
