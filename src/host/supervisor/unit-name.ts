/**
 * The name of a service as zinit takes it: letters, digits, `-` and `_` (validate.rs of the crate). Another character, such as the
 * dot of a VLAN's NIC, becomes `_` and its two hexadecimal digits, and `_` itself two of them: different names stay different.
 */
export function unitName(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9-]/u.test(char) ? char : char === "_" ? "__" : `_${hex(char)}`))
    .join("");
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, "0");
}
