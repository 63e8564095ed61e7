/** Counts the calls of an object's methods. */
export class Counted<T extends object> {
  /** The object; its methods are counted. */
  readonly counted: T
  /** Calls by method. */
  readonly calls: Record<string, number> = {}

  constructor(object: T, methods: readonly (keyof T & string)[]) {
    this.counted = new Proxy(object, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function' || !(methods as readonly string[]).includes(String(name))) return member
        return (...args: unknown[]): unknown => {
          this.calls[String(name)] = (this.calls[String(name)] ?? 0) + 1
          return (member as (...a: unknown[]) => unknown).apply(target, args)
        }
      },
    })
  }

  get total(): number {
    return Object.values(this.calls).reduce((sum, count) => sum + count, 0)
  }
}
