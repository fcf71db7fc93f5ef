/** The style sheet of the HTML report: system fonts, light and dark, no address anywhere. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --text: #1b1f24; --dim: #5b6570; --line: #dfe3e8; --accent: #1f5fbf;
  --critical: #a4122b; --high: #c9481b; --medium: #a87400; --low: #2f6fb5; --unknown: #77808a; --pass: #1c7a46; --warn: #a87400; --block: #a4122b; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171b; --card: #1d2127; --text: #e6e9ed; --dim: #9aa4af; --line: #323942; --accent: #7fb0ff;
  --critical: #ff6b81; --high: #ff9466; --medium: #e8bb4a; --low: #79b2f2; --unknown: #9aa4af; --pass: #5ecb8f; --warn: #e8bb4a; --block: #ff6b81; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 32px 0 10px; }
p { margin: 4px 0; } .dim { color: var(--dim); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; }
.row { display: flex; flex-wrap: wrap; gap: 16px; } .row > .card { flex: 1 1 300px; }
.verdict { border-left: 6px solid var(--tone); margin: 16px 0; } .verdict strong { color: var(--tone); font-size: 19px; }
.pass { --tone: var(--pass); } .warn { --tone: var(--warn); } .block { --tone: var(--block); }
.critical { --tone: var(--critical); } .high { --tone: var(--high); } .medium { --tone: var(--medium); }
.low { --tone: var(--low); } .unknown { --tone: var(--unknown); }
.tag { color: var(--tone); border: 1px solid var(--tone); border-radius: 4px; padding: 0 6px; font-size: 13px; white-space: nowrap; }
.scroll { overflow-x: auto; padding: 0; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; } tr:last-child td { border-bottom: 0; }
td code { font-size: 13px; } ul { margin: 6px 0; padding-left: 20px; } li { overflow-wrap: anywhere; }
svg { display: block; width: 100%; max-width: 440px; height: auto; } svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
svg .bar { fill: var(--tone, var(--accent)); } svg .track { fill: var(--line); }
details > summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
`;
