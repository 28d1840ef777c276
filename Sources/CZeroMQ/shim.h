#include <sys/eventfd.h>
#include <zmq.h>

// The bare loop that measurements are held against: receives and forgets; nothing but libzmq's own call.
static inline int czmq_discard(void *socket, long messages) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  int result = 0;
  for (long i = 0; i < messages && result >= 0; i++) result = zmq_msg_recv(&message, socket, 0);
  zmq_msg_close(&message);
  return result < 0 ? -1 : 0;
}
