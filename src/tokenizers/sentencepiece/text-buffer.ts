/** Text as UTF-16 code units in one array: no strings are made between normalising and cutting. */

/** Growing UTF-16 text, reused from call to call. */
export class TextBuffer {
  units = new Uint16Array(256);
  length = 0;

  push(unit: number): void {
    if (this.length === this.units.length) {
      const larger = new Uint16Array(this.length * 2);
      larger.set(this.units);
      this.units = larger;
    }
    this.units[this.length++] = unit;
  }

  /** The unit at a place before `length`, as of a string. */
  charCodeAt(at: number): number {
    return this.units[at] as number;
  }

  /** The text from `start` to `end`, in code units. */
  slice(start: number, end: number): string {
    let text = '';
    for (let at = start; at < end; at += 4096) {
      text += String.fromCharCode(...this.units.subarray(at, Math.min(end, at + 4096)));
    }
    return text;
  }
}
