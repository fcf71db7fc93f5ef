import { escapeMarkup } from "./xml.ts";

export interface Bar {
  readonly label: string;
  readonly count: number;
  /** A class that colours the bar; the accent colour without. */
  readonly tone?: string;
}

const WIDTH = 360;
const ROW = 26;
const LABEL = 120;
const VALUE = 56;
const TOP = 30;

/** A bar chart as inline SVG; numbers stand beside the bars, so that nothing is told by colour or length alone. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const room = WIDTH - LABEL - VALUE;
  const rows = bars.map(({ label, count, tone }, index) => {
    const y = TOP + index * ROW;
    const width = count === 0 ? 0 : Math.max(2, Math.round((count / most) * room));
    return `<g${tone === undefined ? "" : ` class="${escapeMarkup(tone)}"`}><text x="0" y="${y + 13}">${escapeMarkup(label)}</text>
<rect class="track" x="${LABEL}" y="${y + 3}" width="${room}" height="12" rx="3"/><rect class="bar" x="${LABEL}" y="${y + 3}" width="${width}" height="12" rx="3"/>
<text x="${WIDTH}" y="${y + 13}" text-anchor="end">${count}</text></g>`;
  });
  const height = TOP + bars.length * ROW;
  const label = `${title}: ${bars.map((bar) => `${bar.label} ${bar.count}`).join(", ")}`;
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeMarkup(label)}"><text x="0" y="14" font-weight="600">${escapeMarkup(title)}</text>
${rows.join("\n")}</svg>`;
}
