/** Everything that a new consumer of kafkajs receives from a topic, up to the value `last`. `options` are the consumer's. */
exports.readUntil = async (kafka, topic, last, options = {}) => {
  const consumer = kafka.consumer({ groupId: `reader-of-${topic}`, ...options })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values = []
  await new Promise((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value.toString())
        if (values.at(-1) === last) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}
