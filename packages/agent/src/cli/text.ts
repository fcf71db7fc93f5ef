/** Text from outside as one harmless piece: control characters (and with them terminal escapes) are gone. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ").slice(0, 2000);
}

/** Rows under their heads, in columns as wide as they need. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const clean = [heads, ...rows.map((row) => row.map(plain))];
  const widths = heads.map((_, column) => Math.max(...clean.map((row) => (row[column] ?? "").length)));
  return clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
