/*
 * fuzz_link: whatever a peer sends on the link, at either end and in whatever pieces, the session
 * takes it or fails; what it has to say stays within its bounds, and every stream ends once.
 *
 * The first byte chooses the end, how much its users read, and how large the pieces are.
 */
#include "proto/link_session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/test_env.h"

enum { AS_CLIENT = 1, READS = 2, ANSWERS = 4, DRAINS = 8, OPENED = 4 };

struct world {
    struct test_env env;
    struct link_base base;
    struct link_home home;
    struct link_session session;
    uint8_t how;
    struct link_node users; /* of streams that have not ended */
};

/* ---- the user of a stream ---- */

struct user {
    struct link_node node;
    struct world *world;
    struct rpc_stream *stream;
};

static void on_message(void *context, struct buf *message TAKES)
{
    struct user *user = context;
    if (message != NULL) {
        assert(message->size <= rpc_stream_receive_max(user->stream));
        rpc_stream_read(user->stream);
    } else if (!user->stream->at_client && (user->world->how & ANSWERS) != 0) {
        rpc_stream_finish(user->stream, HEARTH_OK, NULL);
    }
    buf_unref(message);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct user *user = context;
    assert(code == HEARTH_OK || err->message[0] != '\0');
    link_node_leave(&user->node);
    rpc_stream_release(user->stream);
    free(user);
}

static const struct rpc_stream_handlers handlers = {.message = on_message, .closed = on_closed};

static void begin_using(struct user *user)
{
    if ((user->world->how & READS) != 0) {
        rpc_stream_read(user->stream);
    }
    if ((user->world->how & ANSWERS) != 0) {
        struct slice hello = {.view = view_text("hello")};
        rpc_stream_send(user->stream, &hello, 1);
    }
}

static struct user *make_user(struct world *world)
{
    struct user *user = malloc(sizeof(*user));
    assert(user != NULL);
    *user = (struct user){.world = world};
    link_node_join(&world->users, &user->node);
    return user;
}

/* ---- the two kinds of home ---- */

static const struct rpc_method_row row = {.path = "/fuzz.Fuzz/Both",
    .kind = RPC_BOTH_STREAM,
    .mutates = true,
    .request_max = 70 * 1024,
    .response_max = 70 * 1024};

static struct world *of_home(struct link_home *home)
{
    return LINK_OF(home, struct world, home);
}

static void begin(struct link_home *home, struct link_stream *stream)
{
    struct world *world = of_home(home);
    uint32_t id;
    if (link_session_next_id(&world->session, &id)) {
        link_stream_attach(stream, &world->session, id);
    } else {
        link_stream_end(stream, LINK_LOST, "no room");
    }
}

static void over(struct link_home *home)
{
    (void)home;
}

static const struct link_home_ops home_ops = {.begin = begin, .over = over};

static void open_accepted(void *owner, const struct link_head *head, struct view payload)
{
    struct world *world = owner;
    if (payload.bytes[0] % 4 == 0) {
        link_session_finish(&world->session, head->stream, HEARTH_BUSY, "not now");
        return;
    }
    const struct rpc_context context = {.deadline_ns = UINT64_MAX};
    struct user *user = make_user(world);
    struct link_stream *stream =
        link_stream_create_accepted(&world->home, &world->session, head->stream, &row, &context);
    user->stream = &stream->base;
    link_stream_accept(stream, &handlers, user);
    begin_using(user);
}

static void open_own(struct world *world)
{
    for (unsigned i = 0; i < OPENED; i++) {
        const struct rpc_request request = {.deadline_ms = 1000};
        struct user *user = make_user(world);
        const struct rpc_opening opening = {
            .row = &row, .request = &request, .handlers = &handlers, .context = user};
        link_stream_create(&world->home, &opening, &user->stream);
        begin_using(user);
    }
}

static void changed(void *owner)
{
    (void)owner;
}

static const struct link_session_ops session_ops = {.open = open_accepted, .changed = changed};

/* Ends that nobody has read up to wait for that. */
static void cancel_all(struct world *world)
{
    for (struct link_node *at = world->users.next; at != &world->users; at = at->next) {
        rpc_stream_cancel(LINK_OF(at, struct user, node)->stream);
    }
    link_mailbox_run(&world->base.mailbox);
}

/* ---- bytes ---- */

static void drain(struct world *world)
{
    uint8_t record[LINK_RECORD_MAX];
    link_mailbox_run(&world->base.mailbox);
    while (link_session_fill(&world->session, record) > 0) {
        link_mailbox_run(&world->base.mailbox);
    }
}

static bool feed(struct world *world, const uint8_t *data, size_t size, size_t piece_max)
{
    bool alive = true;
    while (alive && size > 0) {
        size_t room;
        uint8_t *to = link_session_room(&world->session, &room);
        assert(room > 0);
        room = room < piece_max ? room : piece_max;
        room = room < size ? room : size;
        memcpy(to, data, room);
        data += room;
        size -= room;
        alive = link_session_advance(&world->session, room);
        assert(world->session.control_size <= LINK_CONTROL_MAX);
        if ((world->how & DRAINS) != 0) {
            drain(world);
        }
    }
    return alive;
}

/* The client's own streams have to be open, or all that can be said to it is HELLO. */
static bool greet(struct world *world)
{
    uint8_t hello[LINK_HEAD_SIZE];
    const struct link_head head = {.type = LINK_HELLO, .value = RPC_STREAMS_MAX};
    link_head_encode(&head, hello);
    bool alive = feed(world, hello, sizeof(hello), sizeof(hello));
    open_own(world);
    drain(world);
    return alive;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct world *world = calloc(1, sizeof(*world));
    assert(world != NULL);
    world->how = data[0];
    link_node_init(&world->users);
    test_env_init(&world->env, 1);
    world->base.env = &world->env.env;
    link_mailbox_init(&world->base.mailbox, -1);
    world->home = (struct link_home){&home_ops, &world->base, "fuzz"};
    const enum link_side side = (data[0] & AS_CLIENT) != 0 ? LINK_CLIENT : LINK_SERVER;
    link_session_init(&world->session, &world->base, side, RPC_STREAMS_MAX, &session_ops, world);
    if (side == LINK_CLIENT) {
        greet(world);
    } else {
        link_session_greet(&world->session);
    }
    feed(world, data + 1, size - 1, (size_t)1 + (data[0] >> 4) * 31);
    link_mailbox_run(&world->base.mailbox);
    link_session_fini(&world->session, "the end");
    cancel_all(world);
    assert(link_node_is_alone(&world->users));
    link_timers_fini(&world->base.timers);
    link_mailbox_fini(&world->base.mailbox);
    free(world);
    return 0;
}
