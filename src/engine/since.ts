/** Since when things are what they are, in seconds since the kernel started. One that is not named any more is forgotten. */
export class Since {
  #known = new Map<string, { readonly value: unknown; readonly since: number }>();

  /** Takes over what holds now. */
  see(values: Iterable<readonly [id: string, value: unknown]>, now: number): void {
    const before = this.#known;
    this.#known = new Map(
      [...values].map(([id, value]) => {
        const known = before.get(id);
        return [id, known !== undefined && known.value === value ? known : { value, since: now }] as const;
      }),
    );
  }

  of(id: string): number | undefined {
    return this.#known.get(id)?.since;
  }
}
