/**
 * Writes test/k8s/schemas, the JSON schemas that `npm run test:k8s` checks manifests against without a network:
 *
 *     node scripts/k8s-schemas.mjs
 *
 * The schemas of Kubernetes come from the PyPI package kubernetes-validate, those of custom resources from the CRDs in the
 * Go modules of Dapr, KEDA and the Prometheus Operator. Only the kinds listed here are kept, without their descriptions.
 * Needs python3 with pip, and Go.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

const KUBERNETES_VALIDATE = 'kubernetes-validate==1.37.0'
const KUBERNETES = 'v1.34.0-local-strict'
const KINDS = [
  ...[
    'namespace-v1',
    'serviceaccount-v1',
    'service-v1',
    'configmap-v1',
    'deployment-apps-v1',
    'statefulset-apps-v1',
    'job-batch-v1',
  ],
  ...['poddisruptionbudget-policy-v1', 'networkpolicy-networking-v1'],
]
const CRDS = [
  {
    module: 'github.com/dapr/dapr@v1.18.2',
    files: ['components', 'configuration', 'resiliency', 'workflowaccesspolicy'].map(
      (n) => `charts/dapr/crds/${n}.yaml`,
    ),
  },
  {
    module: 'github.com/kedacore/keda/v2@v2.20.2',
    files: ['scaledobjects', 'triggerauthentications'].map((name) => `config/crd/bases/keda.sh_${name}.yaml`),
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: ['podmonitors', 'servicemonitors'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
]

const OUT = fileURLToPath(new URL('../test/k8s/schemas/', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'windrow-schemas-'))
try {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  writeKubernetes()
  for (const { module, files } of CRDS) writeCrds(moduleFolder(module), files)
  writeFileSync(join(OUT, 'README.md'), readme())
} finally {
  rmSync(work, { recursive: true })
}

function writeKubernetes() {
  run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', work, KUBERNETES_VALIDATE])
  run('python3', [
    '-c',
    'import glob, sys, zipfile; zipfile.ZipFile(glob.glob("*.whl")[0]).extractall(sys.argv[1])',
    work,
  ])
  const folder = join(work, 'kubernetes_validate/kubernetes-json-schema', KUBERNETES)
  const read = (name) => {
    const { $id: _base, ...schema } = stripped(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')))
    return JSON.parse(JSON.stringify(schema).replaceAll('"/api/_definitions.json#', '"_definitions.json#'))
  }
  const { $defs, $schema } = read('_definitions')
  const needed = new Map()
  const follow = (schema) => {
    for (const [, name] of JSON.stringify(schema).matchAll(/"\$ref":"(?:_definitions\.json)?#\/\$defs\/([^"]+)"/g)) {
      if (needed.has(name)) continue
      needed.set(name, $defs[name])
      follow($defs[name])
    }
  }
  for (const kind of KINDS) {
    const schema = read(kind)
    follow(schema)
    write(kind, schema)
  }
  write('_definitions', { $schema, $defs: Object.fromEntries([...needed].sort(([a], [b]) => (a < b ? -1 : 1))) })
}

function writeCrds(folder, files) {
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(join(folder, file), 'utf8'))) {
      const crd = document.toJS()
      if (crd?.kind !== 'CustomResourceDefinition') continue
      const { group, names, versions } = crd.spec
      for (const { name, schema } of versions.filter((version) => version.served)) {
        write(
          `${names.kind.toLowerCase()}-${group.split('.')[0]}-${name}`,
          closed(stripped(schema.openAPIV3Schema), true),
        )
      }
    }
  }
}

/** Makes unknown fields an error, as in the API server. */
function closed(schema, isRoot = false) {
  if (Array.isArray(schema)) return schema.map((one) => closed(one))
  if (typeof schema !== 'object' || schema === null) return schema
  const { 'x-kubernetes-int-or-string': isIntOrString, ...rest } = schema
  if (isIntOrString === true) return { oneOf: [{ type: 'integer' }, { type: 'string' }] }
  const entries = Object.entries(rest).map(([key, value]) => [
    key,
    key === 'properties'
      ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]))
      : typeof value === 'object' && !['enum', 'required', 'default'].includes(key)
        ? closed(value)
        : value,
  ])
  const out = Object.fromEntries(entries)
  if (isRoot) out.properties.metadata = { type: 'object' }
  const isOpen = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
  if (schema.properties !== undefined && !isOpen) out.additionalProperties = false
  return out
}

/** Removes documentation and API server extensions. A field named `description` in `properties` is kept. */
function stripped(schema) {
  if (Array.isArray(schema)) return schema.map(stripped)
  if (typeof schema !== 'object' || schema === null) return schema
  const kept = Object.entries(schema).filter(
    ([key, value]) =>
      !(key === 'description' && typeof value === 'string') &&
      !/^x-kubernetes-(group|list|map|patch|validations)/.test(key) &&
      // Go's formats (int32, date-time with fractions) are checked by the API server, not by JSON schema.
      !(key === 'format' && typeof value === 'string'),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, stripped(value)]))
}

function moduleFolder(module) {
  const folder = join(work, 'go')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'go.mod'), 'module schemas\n')
  return JSON.parse(run('go', ['mod', 'download', '-json', module], folder)).Dir
}

function run(program, args, cwd = work) {
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function write(name, schema) {
  writeFileSync(join(OUT, `${name}.json`), `${JSON.stringify(schema)}\n`)
}

function readme() {
  const sources = [`PyPI ${KUBERNETES_VALIDATE} (${KUBERNETES})`, ...CRDS.map(({ module }) => `Go module ${module}`)]
  return `# Schemas

Written by \`node scripts/k8s-schemas.mjs\`; changes here are overwritten. Apache-2.0, from:

${sources.map((source) => `- ${source}`).join('\n')}
`
}
