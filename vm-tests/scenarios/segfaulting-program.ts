/**
 * An x86-64 program of 128 bytes that writes to address 0, which no guest has a compiler for: the ELF header and one program header
 * of elf(5), then two instructions.
 */
export function segfaultingProgram(): Buffer {
  const code = Buffer.from("31c08900", "hex"); // xor eax,eax; mov [rax],eax
  const base = 0x400000n;
  const headers = 64 + 56;
  const file = Buffer.alloc(headers + code.length);
  file.write("\x7fELF\x02\x01\x01", "latin1");
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headers), 24); // entry
  file.writeBigUInt64LE(64n, 32); // where the program headers are
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // readable, executable
  file.writeBigUInt64LE(base, 64 + 16);
  file.writeBigUInt64LE(base, 64 + 24);
  file.writeBigUInt64LE(BigInt(file.length), 64 + 32);
  file.writeBigUInt64LE(BigInt(file.length), 64 + 40);
  file.writeBigUInt64LE(0x1000n, 64 + 48);
  code.copy(file, headers);
  return file;
}
