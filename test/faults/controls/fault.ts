/** The fault that the ports of this process have: the one named in WINDROW_CONTROL. */
import { FAULTY_PORTS, type FaultyPorts } from './faulty-ports.ts'

function chosen(): FaultyPorts {
  const name = process.env['WINDROW_CONTROL'] ?? ''
  const ports = FAULTY_PORTS[name]
  if (ports === undefined) throw new Error(`WINDROW_CONTROL=${name} is none of ${Object.keys(FAULTY_PORTS).join(', ')}`)
  return ports
}

export const FAULT = chosen()
