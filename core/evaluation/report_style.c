#include "core/evaluation/report_style.h"

#include <stddef.h>

/* The two classes are blue and orange: told apart by colour-blind readers and in grey. */
#define LIGHT                                                                                      \
    "--page:#f4f6f8;--card:#ffffff;--ink:#17212b;--soft:#586674;--rule:#dde3e9;--accent:#0b6e75;"  \
    "--patient:#c65f16;--control:#2f6db3;--wash:#e3f0f1;--right:#e3f0f1;--wrong:#fbe9dc;"
#define DARK                                                                                       \
    "--page:#0f151b;--card:#18212a;--ink:#e6ecf1;--soft:#9aa8b5;--rule:#2c3945;--accent:#5cc4c9;"  \
    "--patient:#f0934e;--control:#76aef0;--wash:#173338;--right:#173338;--wrong:#3f2a1b;"

const char *const spira_report_style[] = {
    ":root{color-scheme:light dark;" LIGHT "}\n"
    "@media (prefers-color-scheme:dark){:root{" DARK "}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI','Liberation Sans',sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    "main{max-width:1080px;margin:0 auto;padding:36px 24px 48px}\n"
    "header{margin-bottom:28px}\n"
    "h1{font-size:30px;line-height:1.2;margin:2px 0 6px;letter-spacing:-.01em;"
    "overflow-wrap:anywhere}\n"
    "h2{font-size:16px;margin:0 0 12px}\n"
    "p{margin:0 0 8px}\n"
    ".over{color:var(--accent);font-weight:600;font-size:13px;letter-spacing:.06em;"
    "text-transform:uppercase;margin:0}\n"
    ".note,.meaning,figcaption{color:var(--soft)}\n"
    ".note,figcaption{font-size:13.5px}\n"
    ".numbers{display:grid;grid-template-columns:repeat(4,1fr);gap:16px;margin:0 0 16px}\n"
    ".number,.card{background:var(--card);border:1px solid var(--rule);border-radius:10px}\n"
    ".number{padding:16px 20px}\n"
    ".number dt{color:var(--soft);font-size:14px}\n"
    ".number dd{margin:0}\n"
    ".number .big{font-size:36px;line-height:1.25;font-weight:600;letter-spacing:-.02em}\n"
    ".cards{display:grid;grid-template-columns:1fr 1fr;gap:16px}\n"
    ".card{padding:20px 22px;min-width:0;margin:0}\n"
    ".wide{grid-column:1/-1}\n",
    /* Charts. */
    "figure{margin:0}\n"
    "svg{display:block;width:100%;height:auto;font-size:12.5px}\n"
    "svg text{fill:var(--soft)}\n"
    "svg .strong{fill:var(--ink);font-size:20px;font-weight:600}\n"
    ".grid{stroke:var(--rule)}.axis{stroke:var(--soft)}\n"
    ".chance{stroke:var(--soft);stroke-dasharray:4 4}\n"
    ".marker{stroke:var(--ink);stroke-dasharray:3 3}\n"
    ".area{fill:var(--wash)}\n"
    ".curve{fill:none;stroke:var(--accent);stroke-width:2.5;stroke-linejoin:round}\n"
    ".point{fill:var(--accent);stroke:var(--card);stroke-width:2}\n"
    "rect.patient{fill:var(--patient)}rect.control{fill:var(--control)}\n"
    ".training,.validation{fill:none;stroke-width:2.2;stroke-linejoin:round}\n"
    ".training{stroke:var(--soft);stroke-dasharray:5 3}.validation{stroke:var(--accent)}\n"
    ".key{display:inline-block;width:22px;margin:0 6px 3px 0;border-top:3px solid;"
    "vertical-align:middle}\n"
    ".key+span{margin-right:18px}\n"
    ".key.t{border-top-style:dashed;color:var(--soft)}.key.v{color:var(--accent)}\n"
    /* Tables. */
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:6px 18px 6px 0;border-bottom:1px solid var(--rule);"
    "vertical-align:top}\n"
    "tbody tr:last-child>*{border-bottom:0}\n"
    "th{font-weight:600}thead th{color:var(--soft);font-weight:500;font-size:13.5px}\n"
    ".n{text-align:right}td.name{overflow-wrap:anywhere}\n"
    ".confusion{table-layout:fixed;border-collapse:separate;border-spacing:6px}\n"
    ".confusion th,.confusion td{border:0;padding:8px 4px}\n"
    ".confusion thead td{padding:0}.confusion thead th{text-align:center}\n"
    ".confusion tbody th{vertical-align:middle;width:26%}\n"
    ".confusion td{text-align:center;border-radius:8px;padding:34px 4px}\n"
    ".confusion b{display:block;font-size:30px;line-height:1.15}\n"
    ".confusion span{color:var(--soft);font-size:13.5px}\n"
    ".right{background:var(--right)}.wrong{background:var(--wrong)}\n"
    ".tag::before{content:'';display:inline-block;width:9px;height:9px;border-radius:50%;"
    "margin-right:7px;background:var(--control)}\n"
    ".tag.patient::before{border-radius:2px;background:var(--patient)}\n"
    "code,pre{font:12.5px/1.5 ui-monospace,'DejaVu Sans Mono',Menlo,monospace}\n"
    "pre{margin:0;columns:2;column-gap:32px;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "footer{margin-top:24px}\n",
    /* Narrow windows and paper. */
    "@media (max-width:760px){.numbers{grid-template-columns:1fr 1fr}"
    ".cards{grid-template-columns:minmax(0,1fr)}pre{columns:1}}\n"
    "@media print{:root{color-scheme:light;" LIGHT "--page:#fff}main{padding:0}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    ".number,.card{break-inside:avoid}.wide.long{break-inside:auto}@page{margin:14mm}}\n",
    NULL};
