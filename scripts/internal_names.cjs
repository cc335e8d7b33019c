// The names of members that mean nothing outside of client/src, one on each line: those alone may
// be shortened in the minified client. A name is kept where
//  - the language or a browser has a member of that name, whatever has it;
//  - it is public: a member of types.ts, or of an exported class of client.ts, its own or
//    inherited, and neither private nor protected;
//  - it is in what comes from elsewhere or goes there: in a type that is made of `any`, `unknown`
//    or an index signature, or is made one of them, or given to JSON or to a function of Object;
//  - it is a text somewhere in the sources.
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
    if (!place || isLibrary(place)) continue;
    keepType(checker.getTypeOfSymbolAtLocation(member, place), seen);
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

/** What is given to somebody who may take it for anything. */
function keepGiven(node) {
  const type = checker.getTypeAtLocation(node);
  // Whoever reads a member of it has to say which type it has.
  if (!type.isClassOrInterface()) keepType(type);
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
  if (ts.isExpression(node)) {
    const type = checker.getContextualType(node);
    if (type && isOpen(type)) keepGiven(node);
    else if (type && isOpen(checker.getTypeAtLocation(node))) keepType(type);
  }
  if (ts.isObjectLiteralExpression(node)) {
    const type = checker.getContextualType(node);
    // What is spread goes from one to the other.
    for (const { expression } of node.properties.filter(ts.isSpreadAssignment)) {
      const from = checker.getTypeAtLocation(expression);
      if (type && isOpen(type)) keepType(from);
      if (type && isOpen(from)) keepType(type);
    }
  }
  if (ts.isAsExpression(node)) {
    if (isOpen(checker.getTypeAtLocation(node.expression))) {
      keepType(checker.getTypeAtLocation(node));
    }
    keepMembersIn(node.type);
  }
  if (ts.isCallExpression(node) && isOfObjectOrJson(node.expression)) {
    node.arguments.forEach((one) => keepType(checker.getTypeAtLocation(one)));
  }
  if (ts.isForInStatement(node)) keepType(checker.getTypeAtLocation(node.expression));
}

function keepPublic(member) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  if (ts.getCombinedModifierFlags(member) & hidden) return;
  kept.add(memberName(member));
  for (const part of [...(member.parameters ?? []), member.type]) {
    const isInternal = !part || ts.isParameterPropertyDeclaration(part, member);
    if (!isInternal) keepMembersIn(part);
  }
}

for (const file of program.getSourceFiles()) {
  if (isLibrary(file) || path.basename(file.fileName) === 'types.ts') keepMembersIn(file);
  else walk(file, look);
  if (path.basename(file.fileName) !== 'client.ts') continue;
  for (const { name } of file.statements.filter(ts.isClassDeclaration)) {
    const members = checker.getTypeAtLocation(name).getProperties();
    members.flatMap((one) => one.declarations).forEach(keepPublic);
  }
}

const names = [...declared].filter((name) => !kept.has(name) && /^[a-zA-Z]\w*$/.test(name));
process.stdout.write(names.sort().map((name) => `${name}\n`).join(''));
