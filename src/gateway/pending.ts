/**
 * The bound on memory: bytes of bodies that are being read, unpacked or written to Kafka. A request that does not fit
 * is refused before its body is read, so a Kafka that has become slow is felt by the senders and not by this process.
 */
export class PendingBytes {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get maxBytes(): number {
    return this.#maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `null` when it does not fit. Something always fits into an empty house, or one large request would never pass. */
  reserve(bytes: number): Reservation | null {
    if (!this.#fits(bytes)) return null
    this.#bytes += bytes
    let held = bytes
    return {
      resize: (wanted) => {
        const more = wanted - held
        // What is held already does not stand in its own way.
        if (more > 0 && this.#bytes > held && this.#bytes + more > this.#maxBytes) return false
        this.#bytes += more
        held = wanted
        return true
      },
      release: () => {
        this.#bytes -= held
        held = 0
      },
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes
  }
}

export interface Reservation {
  /** Whether it fits; if not, what was held stays held. */
  resize(bytes: number): boolean
  /** May be called again, to no effect. */
  release(): void
}

/** A reservation that several hold; the last of them to leave gives it back. */
export class Room {
  readonly #reservation: Reservation
  #holders = 0

  constructor(reservation: Reservation) {
    this.#reservation = reservation
  }

  /** The way to leave; taken again, to no effect. */
  enter(): () => void {
    this.#holders++
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      if (--this.#holders === 0) this.#reservation.release()
    }
  }

  resize(bytes: number): boolean {
    return this.#reservation.resize(bytes)
  }
}
