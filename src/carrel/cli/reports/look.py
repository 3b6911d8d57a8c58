"""How the HTML report looks: light and dark by the reader's wish, on paper without colours."""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --raised: #f5f6f8; --line: #d8dce2;
  --text: #1b1f24; --dim: #59626e; --bar: #2f6db5; --good: #1a7038; --look: #8a5a00;
  --bad: #b3261e; --rest: #59626e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --raised: #1d2127; --line: #343a43; --text: #e6e9ed; --dim: #9aa4b1;
    --bar: #6ea8e6; --good: #6fce8d; --look: #e0b25a; --bad: #ff8b80; --rest: #9aa4b1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 84rem; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
p { margin: .3rem 0; }
.dim { color: var(--dim); }
dl { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.4rem 0; padding: 0; }
dl div { background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  padding: .6rem 1rem; min-width: 9rem; }
dt { color: var(--dim); font-size: .87rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.notes { border-left: 4px solid var(--look); background: var(--raised); padding: .7rem 1rem;
  margin: 1rem 0; }
.notes ul { margin: 0; padding-left: 1.1rem; }
figure { display: grid; grid-template-columns: minmax(0, 34rem) minmax(12rem, 1fr);
  gap: .5rem 2rem; margin: 1rem 0 2rem; align-items: start; }
figcaption { grid-column: 1 / -1; font-weight: 600; }
svg { width: 100%; height: auto; }
svg .bar { fill: var(--bar); }
svg .label { fill: var(--text); font-size: 12px; }
svg .number { fill: var(--dim); font-size: 12px; }
svg .axis { stroke: var(--dim); }
svg .grid { stroke: var(--line); stroke-dasharray: 3 3; }
.scroll { overflow: auto; }
figure .scroll { max-height: 26rem; }
figure.columns .scroll { max-height: 14rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
figure table { font-size: .87rem; width: auto; min-width: 12rem; }
caption { text-align: left; color: var(--dim); padding-bottom: .4rem; }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
thead th { color: var(--dim); font-weight: 600; position: sticky; top: 0;
  background: var(--ground); }
tbody th { font-weight: 600; }
td.wide { white-space: normal; min-width: 16rem; }
.right { text-align: right; }
.good { color: var(--good); } .look { color: var(--look); } .bad { color: var(--bad); }
.rest, .none { color: var(--rest); }
footer { margin-top: 2.5rem; color: var(--dim); font-size: .87rem; }
@media screen and (max-width: 50rem) { figure { grid-template-columns: minmax(0, 1fr); } }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { --ground: #fff; --raised: #fff; --line: #bbb; --text: #000; --dim: #444; --bar: #555;
    --good: #000; --look: #000; --bad: #000; --rest: #444; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  .scroll, figure .scroll, figure.columns .scroll { overflow: visible; max-height: none; }
  figure { grid-template-columns: 15cm 1fr; }
  figure table { font-size: 7pt; } figure.columns .scroll { columns: 3; }
  table { font-size: 7pt; } th, td { padding: .1rem .25rem; white-space: normal; }
  td.long { overflow-wrap: anywhere; } td.time, td.right { white-space: nowrap; }
  thead th { position: static; } .id { display: none; }
  svg, tr, dl, .notes { break-inside: avoid; } h2, figcaption { break-after: avoid; } }
"""
