"""How a page of attention looks, and the script that exchanges one head for another."""

from munjang.report.shades import DARK, LIGHT, STRONG, Colours


def _variables(colours: Colours) -> str:
    full = ", ".join(str(int(colours.full[at : at + 2], 16)) for at in (1, 3, 5))
    return (
        f"--ground: {colours.ground}; --full: {full}; --ink: {colours.ink}; "
        f"--on-full: {colours.on_full}; --line: {colours.line}; --mark: {colours.mark};"
    )


STYLE = f"""
:root {{ {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
body {{ background: var(--ground); color: var(--ink); }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: 1rem 0; }}
dt {{ color: color-mix(in srgb, var(--ink) 60%, var(--ground)); grid-column: 1; }}
dd {{ grid-column: 2; margin: 0; overflow-wrap: anywhere; min-width: 0; }}
.said {{ white-space: pre-wrap; unicode-bidi: isolate; font-size: 1.1rem; }}
.legend {{ display: flex; flex-wrap: wrap; align-items: center; }}
.legend span {{ width: 2.6rem; text-align: center; font-variant-numeric: tabular-nums; }}
.legend small {{ padding: 0 .8rem; }}
.legend span, .map tbody td {{ background: rgb(var(--full), var(--w)); color: var(--ink); }}
.legend span.strong, .map tbody td.strong {{ color: var(--on-full); }}
.look {{ margin: 2.5rem 0; }}
.look h2 {{ margin-bottom: 0; }}
.look > p {{ margin: .2rem 0 1rem; max-width: 60rem; }}
.overview {{ overflow-x: auto; padding: 3px; margin: 0 -3px 1rem; }}
.layer {{ display: flex; gap: .5rem; align-items: flex-end; margin-bottom: .5rem; }}
.layer b {{ flex: none; width: 4rem; font-weight: 600; align-self: center; position: sticky;
           left: 0; background: var(--ground); }}
.layer button {{ flex: none; display: grid; justify-items: center; gap: .3rem; padding: .4rem;
                font: inherit; font-size: .8rem; color: inherit; background: none;
                border: 1px solid var(--line); border-radius: 6px; }}
.layer button[aria-pressed=true] {{ border-color: var(--mark);
                                   box-shadow: 0 0 0 1px var(--mark); }}
.live .layer button {{ cursor: pointer; }}
.layer svg {{ background: color-mix(in srgb, var(--ink) 4%, var(--ground)); }}
.full {{ fill: rgb(var(--full)); }}
.map {{ overflow: auto; max-height: 88vh; width: fit-content; max-width: 100%; }}
.map table {{ border-collapse: separate; border-spacing: 1px; margin: 0; }}
.map caption {{ text-align: start; padding-bottom: .4rem; font-weight: 600; position: sticky;
               left: 0; }}
.map th, .map td {{ border: 0; padding: 0; font-weight: normal; }}
.map thead th, .map .corner {{ position: sticky; top: 0; z-index: 1; background: var(--ground);
                              vertical-align: bottom; }}
.map tbody th, .map .corner {{ position: sticky; left: 0; background: var(--ground); }}
.map .corner {{ z-index: 2; }}
.map thead th {{ padding: .2rem 0 .35rem; text-align: center; }}
.map thead div {{ writing-mode: vertical-rl; max-height: 9rem; overflow: hidden;
                 text-overflow: ellipsis; text-align: end; margin: auto; line-height: 1.2; }}
.map tbody div {{ max-width: min(11rem, 30vw); overflow: hidden; text-overflow: ellipsis;
                 text-align: end; padding-inline-end: .5rem; line-height: 1.45rem; }}
.map tbody td {{ min-width: 2.2rem; height: 2.1rem; text-align: center; font-size: .85rem;
                border-radius: 2px; }}
.map tbody td:first-of-type {{ text-align: center; }}
.map.dense tbody td {{ min-width: 1.15rem; height: 1.15rem; font-size: 0; line-height: 0; }}
.map.dense tbody div {{ line-height: 1.15rem; font-size: .85rem; }}
.map.dense thead div {{ font-size: .85rem; }}
.map .most {{ box-shadow: inset 0 0 0 2px var(--mark); }}
.map tbody tr:hover th {{ background: color-mix(in srgb, var(--full-solid) 18%, var(--ground)); }}
.map tbody td:hover {{ outline: 2px solid var(--ink); outline-offset: -1px; }}
:root {{ --full-solid: rgb(var(--full)); }}
@media print {{ .map {{ max-height: none; overflow: visible; }} }}
"""

SCRIPT = """
for (const look of document.querySelectorAll(".look")) {
  const data = look.querySelector("script"), buttons = look.querySelectorAll("button");
  if (!data) continue;
  const maps = JSON.parse(data.textContent), rows = look.querySelectorAll("tbody tr");
  const choose = number => {
    buttons.forEach((button, n) => button.setAttribute("aria-pressed", n === number));
    look.querySelector("caption").textContent = buttons[number].dataset.name;
    let place = 0;
    for (const row of rows) {
      const cells = row.querySelectorAll("td");
      const weights = maps[number].slice(place, place += cells.length);
      const most = Math.max(...weights);
      cells.forEach((cell, n) => draw(cell, weights[n], weights[n] === most));
    }
  };
  buttons.forEach((button, number) => button.addEventListener("click", () => choose(number)));
}
function draw(cell, weight, most) {
  const shade = Math.sqrt(Math.min(1, weight / 1000)), hundredths = Math.floor((weight + 5) / 10);
  cell.style.setProperty("--w", shade.toFixed(3));
  cell.className = (shade >= STRONG ? "strong" : "weak") + (most ? " most" : "");
  const whole = hundredths % 100 === 0;
  cell.textContent = whole ? hundredths / 100 : "." + String(hundredths).padStart(2, "0");
  cell.title = cell.title.replace(/[0-9.]+$/, (hundredths / 100).toFixed(2));
}
document.body.classList.add("live");
""".replace("STRONG", str(STRONG))
