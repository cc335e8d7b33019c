// The names of members that mean nothing outside of client/src, one on each line: those alone may
// be shortened in the minified client. A name is kept where
//  - the language or a browser has a member of that name, whatever has it;
//  - it is public: a member of types.ts, or of an exported class of client.ts and not private;
//  - it is in what comes from elsewhere or goes there (a cast of `any` or `unknown`, an index
//    signature, JSON, the functions of Object), or is a text somewhere in the sources.
// One doubtful place is enough: a name is shortened everywhere or nowhere.
'use strict';

const path = require('node:path');
const ts = require('typescript');

const client = path.resolve(__dirname, '../client');
const { config } = ts.readConfigFile(path.join(client, 'tsconfig.json'), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, client);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();
const declared = new Set();
const kept = new Set();

function walk(node, see) {
  see(node);
  node.forEachChild((child) => walk(child, see));
}

/** What it is called as a member of something; undefined for `#names` and what is computed. */
function memberName(node) {
  const isMember = ts.isTypeElement(node) || ts.isClassElement(node)
    || ts.isObjectLiteralElement(node) || ts.isParameterPropertyDeclaration(node, node.parent);
  const { name } = node;
  return isMember && name && (ts.isIdentifier(name) || ts.isStringLiteralLike(name))
    ? name.text : undefined;
}

function keepMembersIn(node) {
  walk(node, (one) => kept.add(memberName(one)));
}

/** Keeps the members of a type, and those of what they hold. */
function keepType(type, seen = new Set()) {
  if (seen.has(type)) return;
  seen.add(type);
  for (const part of type.types ?? []) keepType(part, seen);
  for (const part of checker.getTypeArguments?.(type) ?? []) keepType(part, seen);
  for (const member of type.getProperties()) {
    kept.add(member.name);
    const place = member.valueDeclaration;
    if (place && !isLibrary(place)) keepType(checker.getTypeOfSymbolAtLocation(member, place), seen);
  }
}

const isLibrary = (node) => program.isSourceFileDefaultLibrary(node.getSourceFile());

/** Whether nothing says which members there are. */
const isOpen = (type) => Boolean(type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown))
  || type.getStringIndexType() !== undefined || (type.types ?? []).some(isOpen);

/** What a member is looked for in, where that is so. */
function keepOpen(type, name) {
  if (isOpen(checker.getApparentType(type)) || !checker.getPropertyOfType(type, name)) {
    kept.add(name);
  }
}

function isOfObjectOrJson(callee) {
  const [first] = callee.getText().split('.');
  return first === 'Object' || first === 'JSON' || first === 'Reflect';
}

function look(node) {
  const name = memberName(node);
  if (name !== undefined) declared.add(name);
  if (ts.isStringLiteralLike(node)) kept.add(node.text);
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) {
    keepOpen(checker.getTypeAtLocation(node.expression), node.name.text);
  }
  if (ts.isObjectBindingPattern(node)) {
    const type = checker.getTypeAtLocation(node);
    for (const { propertyName, name: own } of node.elements) {
      keepOpen(type, (propertyName ?? own).getText());
    }
  }
  if (ts.isObjectLiteralExpression(node)) {
    const type = checker.getContextualType(node);
    if (type && isOpen(type)) node.properties.forEach((one) => kept.add(memberName(one)));
    // What is spread goes from one to the other.
    for (const { expression } of node.properties.filter(ts.isSpreadAssignment)) {
      const from = checker.getTypeAtLocation(expression);
      if (type && isOpen(type)) keepType(from);
      if (type && isOpen(from)) keepType(type);
    }
  }
  if (ts.isAsExpression(node) && isOpen(checker.getTypeAtLocation(node.expression))) {
    keepType(checker.getTypeAtLocation(node));
  }
  if (ts.isCallExpression(node) && isOfObjectOrJson(node.expression)) {
    node.arguments.forEach((one) => keepType(checker.getTypeAtLocation(one)));
  }
  if (ts.isForInStatement(node)) keepType(checker.getTypeAtLocation(node.expression));
}

for (const file of program.getSourceFiles()) {
  const isClient = path.basename(file.fileName) === 'client.ts';
  if (isLibrary(file) || path.basename(file.fileName) === 'types.ts') keepMembersIn(file);
  else walk(file, look);
  const classes = isClient ? file.statements.filter(ts.isClassDeclaration) : [];
  for (const member of classes.flatMap((one) => [...one.members])) {
    if (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) continue;
    kept.add(memberName(member));
    for (const part of [...(member.parameters ?? []), member.type]) {
      const isInternal = !part || ts.isParameterPropertyDeclaration(part, member);
      if (!isInternal) keepMembersIn(part);
    }
  }
}

const names = [...declared].filter((name) => !kept.has(name) && /^[a-zA-Z]\w*$/.test(name));
process.stdout.write(names.sort().map((name) => `${name}\n`).join(''));
