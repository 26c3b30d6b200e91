// Hooks by which a module of the repository's, imported by one that has a number, is read anew under that number:
// https://nodejs.org/api/module.html#customization-hooks
let root = '';

export function initialize(data) {
  root = `file://${data.root}/`;
}

export async function resolve(specifier, context, nextResolve) {
  const found = await nextResolve(specifier, context);
  const number = /\?hob=\d+$/.exec(context.parentURL || '');
  const own = found.url.startsWith(root) && !found.url.includes('/node_modules/') && !found.url.includes('?hob=');
  return number && own ? { ...found, url: found.url + number[0] } : found;
}
