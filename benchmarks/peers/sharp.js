// One conversion for each line of JSON on the input, one line for an answer: sharp, kept warm, as a service would have it.
const sharp = require("sharp");
const lines = require("readline").createInterface({ input: process.stdin });

sharp.cache(false);

async function convert({ source, target, format, width, quality }) {
  const moving = source.endsWith(".gif");
  const picture = sharp(source, { animated: moving, limitInputPixels: false }).autoOrient();
  const sized = width ? picture.resize({ width }) : picture;
  const options = { webp: { quality, effort: 2 }, jpeg: { quality, progressive: true } };
  await sized[format](options[format]).toFile(target);
}

lines.on("line", (line) =>
  convert(JSON.parse(line)).then(
    () => console.log("{}"),
    (fault) => console.log(JSON.stringify({ fault: String(fault) })),
  ),
);
