/**
 * The memory limit: bytes of bodies that are being read, decompressed or written to Kafka. A request that does not fit is
 * refused before its body is read. Backpressure from a slow Kafka therefore reaches the senders instead of growing this
 * process's memory.
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

  /**
   * Reserves `bytes`; `null` if they do not fit. An idle gateway admits any request, otherwise one larger than the limit
   * could never be served.
   */
  reserve(bytes: number): Reservation | null {
    if (!this.#fits(bytes)) return null
    this.#bytes += bytes
    let held = bytes
    return {
      resize: (wanted) => {
        const more = wanted - held
        // A reservation that is the only one may grow beyond the limit, as an idle gateway admits any request.
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
  /** Returns whether the new size fits. If not, the reservation keeps its size. */
  resize(bytes: number): boolean
  /** Calling it more than once has no effect. */
  release(): void
}

/** A reservation with several holders. It is released when the last one lets go. */
export class SharedReservation {
  readonly #reservation: Reservation
  #holders = 0

  constructor(reservation: Reservation) {
    this.#reservation = reservation
  }

  /** Adds a holder. Returns its release function; calling that more than once has no effect. */
  hold(): () => void {
    this.#holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--this.#holders === 0) this.#reservation.release()
    }
  }

  resize(bytes: number): boolean {
    return this.#reservation.resize(bytes)
  }
}
