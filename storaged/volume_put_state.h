/*
 * volume_put_state.h - a put, as volume_put_open.c and volume_put.c know it.
 *
 *   OPENING --room set aside, or it is here already--> RECEIVING --finish--> FINISHING --durable-->
 * OVER |                                                   |                     |
 *      +------------ refused, given up, disk failed -------+---------------------+
 *
 * Cells are gathered four at a time into a CHUNK, which is written at once and synced by nobody:
 * the footer's sync covers it, since all records of a shard are in one log.  While one chunk is
 * written the next is gathered; the cell that fills a second one is answered when the first is
 * written.
 *
 * OVER: nothing but the answer, and records still under way, keeps the put.
 */
#ifndef HEARTH_STORAGED_VOLUME_PUT_STATE_H
#define HEARTH_STORAGED_VOLUME_PUT_STATE_H

#include "storaged/volume_state.h"

enum put_state { PUT_OPENING, PUT_RECEIVING, PUT_FINISHING, PUT_OVER, PUT_STATES };

enum { CHUNKS_UNDER_WAY_MAX = 2 };

struct put_chunk {
    struct volume_put *put;
    struct log_record record;
    uint8_t head[RECORD_HEADER_SIZE];
    bool is_busy;
};

struct volume_put {
    struct volume *volume;
    struct volume_put *next;
    struct volume_put_request request; /* its note points into `note` */
    uint8_t note[VOLUME_NOTE_SIZE_MAX];
    enum put_state state;
    unsigned busy; /* searches, wishes and records under way */

    struct volume_find find;
    struct room_wish wish;
    struct volume_log *log; /* NULL: no room was taken */
    uint64_t room_left;

    bool is_here; /* already: cells are compared and dropped */
    struct shard_footer stored;

    uint32_t cells_max;
    uint32_t cell_count;
    uint32_t last_cell_size;
    uint64_t length;
    uint64_t *cell_sums;
    struct slice gathered[CHUNK_CELLS_MAX];
    unsigned gathered_count;
    uint32_t chunk_count;
    uint64_t chunk_offsets[CHUNKS_MAX];
    struct put_chunk chunks[CHUNKS_UNDER_WAY_MAX];
    struct hearth_err failure; /* of a chunk that was written meanwhile */

    struct log_record footer_record;
    struct shard_footer footer;
    uint8_t *footer_bytes;

    struct volume_wait *wait; /* NULL: no call is under way */
    struct volume_finish *finish;
    struct task answer;
    bool is_answering;
};

/* Asserts that the move is one of those drawn above. */
void volume_put_move(struct volume_put *put, enum put_state next);

/* Answers the call under way with what is in wait->err. */
void volume_put_answer(struct volume_put *put);

/* The same with HEARTH_OK. */
void volume_put_succeed(struct volume_put *put);

/* The same, and it is over. */
void volume_put_end(struct volume_put *put);

/* To be called when anything that kept the put has ended. */
void volume_put_free_when_over(struct volume_put *put);

#endif /* HEARTH_STORAGED_VOLUME_PUT_STATE_H */
