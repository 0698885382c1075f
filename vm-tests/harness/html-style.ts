/** How the page looks: light unless the reader's system is dark, nothing from anywhere else. */
export const pageStyle = `
:root{color-scheme:light dark;--bg:#fff;--text:#1d2733;--dim:#5b6b7f;--line:#d5dce4;--box:#f3f6fa;--ok:#1f8f4d;--bad:#c9302c;--skip:#8a6d00;--start:#9db7d8;--run:#3f74b5;--link:#c07a00}
@media (prefers-color-scheme:dark){:root{--bg:#11161d;--text:#e4ebf3;--dim:#9fb0c3;--line:#2c3744;--box:#1c2530;--ok:#4cc27f;--bad:#ff7b72;--skip:#e3b341;--start:#3c5470;--run:#6ea3e0;--link:#e3b341}}
body{margin:2rem auto;padding:0 1rem;max-width:1100px;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:0}
a{color:inherit}
table{border-collapse:collapse;width:100%;margin:.7rem 0}
th,td{text-align:left;vertical-align:top;padding:.2rem .7rem .2rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--dim)}
.dim{color:var(--dim)}
.passed,.good{color:var(--ok)}.failed{color:var(--bad);font-weight:600}.skipped{color:var(--skip)}
section{margin:2.2rem 0;padding-top:1rem;border-top:2px solid var(--line)}
pre{background:var(--box);padding:.7rem;overflow:auto;font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.scroll{overflow-x:auto}
.lanes{width:100%;min-width:640px;height:auto;font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.lanes text{fill:var(--dim)}.lanes .grid{stroke:var(--line)}
.lanes rect{stroke:var(--bg)}
.lanes rect.ok{fill:var(--ok)}.lanes rect.failed{fill:var(--bad)}
.lanes rect.starting{fill:var(--start)}.lanes rect.running{fill:var(--run)}
.lanes .mark{stroke:var(--bg);fill:var(--text)}.lanes .mark.panic{fill:var(--bad)}.lanes .mark.link{fill:var(--link)}
`;
