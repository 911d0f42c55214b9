#include "common/md5.h"

#include <assert.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are taken as they lie");

/* RFC 1321: what is added in each step, and by how many bits it is turned. */
static const uint32_t sines[64] = {
    0xd76aa478,
    0xe8c7b756,
    0x242070db,
    0xc1bdceee,
    0xf57c0faf,
    0x4787c62a,
    0xa8304613,
    0xfd469501,
    0x698098d8,
    0x8b44f7af,
    0xffff5bb1,
    0x895cd7be,
    0x6b901122,
    0xfd987193,
    0xa679438e,
    0x49b40821,
    0xf61e2562,
    0xc040b340,
    0x265e5a51,
    0xe9b6c7aa,
    0xd62f105d,
    0x02441453,
    0xd8a1e681,
    0xe7d3fbc8,
    0x21e1cde6,
    0xc33707d6,
    0xf4d50d87,
    0x455a14ed,
    0xa9e3e905,
    0xfcefa3f8,
    0x676f02d9,
    0x8d2a4c8a,
    0xfffa3942,
    0x8771f681,
    0x6d9d6122,
    0xfde5380c,
    0xa4beea44,
    0x4bdecfa9,
    0xf6bb4b60,
    0xbebfbc70,
    0x289b7ec6,
    0xeaa127fa,
    0xd4ef3085,
    0x04881d05,
    0xd9d4d039,
    0xe6db99e5,
    0x1fa27cf8,
    0xc4ac5665,
    0xf4292244,
    0x432aff97,
    0xab9423a7,
    0xfc93a039,
    0x655b59c3,
    0x8f0ccc92,
    0xffeff47d,
    0x85845dd1,
    0x6fa87e4f,
    0xfe2ce6e0,
    0xa3014314,
    0x4e0811a1,
    0xf7537e82,
    0xbd3af235,
    0x2ad7d2bb,
    0xeb86d391,
};
static const unsigned turns[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* Sixteen steps, of one message or of eight at once. */
#define ROUND(first, mix, word)                                                                    \
    _Pragma("GCC unroll 16") for (unsigned i = (first); i < (first) + 16; i++)                     \
    {                                                                                              \
        const unsigned turn = turns[(first) / 16][i % 4];                                          \
        a += (mix) + words[(word) % 16] + sines[i];                                                \
        a = (a << turn | a >> (32 - turn)) + b;                                                    \
        last = d;                                                                                  \
        d = c;                                                                                     \
        c = b;                                                                                     \
        b = a;                                                                                     \
        a = last;                                                                                  \
    }
#define ROUNDS                                                                                     \
    ROUND(0, d ^ (b & (c ^ d)), i)                                                                 \
    ROUND(16, c ^ (d & (b ^ c)), 5 * i + 1)                                                        \
    ROUND(32, b ^ c ^ d, 3 * i + 5)                                                                \
    ROUND(48, c ^ (b | ~d), 7 * i)

/* ---- one message ---- */

static void add_blocks(struct md5 *md5, const uint8_t *bytes, size_t count)
{
    uint32_t words[16];
    for (; count > 0; count--, bytes += MD5_BLOCK_SIZE) {
        uint32_t a = md5->words[0], b = md5->words[1], c = md5->words[2], d = md5->words[3], last;
        memcpy(words, bytes, sizeof(words));
        ROUNDS
        md5->words[0] += a;
        md5->words[1] += b;
        md5->words[2] += c;
        md5->words[3] += d;
    }
}

/* ---- eight at once ---- */

typedef uint32_t lanes __attribute__((vector_size(4 * MD5_TOGETHER_MAX)));

#define PICK(x, y, ...)   __builtin_shufflevector(x, y, __VA_ARGS__)
#define LOW_WORDS(x, y)   PICK(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_WORDS(x, y)  PICK(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(x, y)   PICK(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(x, y)  PICK(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(x, y)  PICK(x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(x, y) PICK(x, y, 4, 5, 6, 7, 12, 13, 14, 15)

/* Eight words of each message become the first words of all, the second ones ... */
static inline __attribute__((always_inline)) void transpose(lanes m[8])
{
    const lanes w[8] = {LOW_WORDS(m[0], m[1]), HIGH_WORDS(m[0], m[1]), LOW_WORDS(m[2], m[3]),
        HIGH_WORDS(m[2], m[3]), LOW_WORDS(m[4], m[5]), HIGH_WORDS(m[4], m[5]),
        LOW_WORDS(m[6], m[7]), HIGH_WORDS(m[6], m[7])};
    const lanes p[8] = {LOW_PAIRS(w[0], w[2]), HIGH_PAIRS(w[0], w[2]), LOW_PAIRS(w[1], w[3]),
        HIGH_PAIRS(w[1], w[3]), LOW_PAIRS(w[4], w[6]), HIGH_PAIRS(w[4], w[6]),
        LOW_PAIRS(w[5], w[7]), HIGH_PAIRS(w[5], w[7])};
    for (unsigned i = 0; i < 4; i++) {
        m[i] = LOW_HALVES(p[i], p[i + 4]);
        m[i + 4] = HIGH_HALVES(p[i], p[i + 4]);
    }
}

static inline __attribute__((always_inline)) void add_to_all(
    lanes states[4], const uint8_t *const blocks[MD5_TOGETHER_MAX], size_t count)
{
    lanes words[16];
    for (size_t block = 0; block < count; block++) {
        for (unsigned i = 0; i < MD5_TOGETHER_MAX; i++) {
            memcpy(&words[i], blocks[i] + block * MD5_BLOCK_SIZE, sizeof(lanes));
            memcpy(
                &words[i + 8], blocks[i] + block * MD5_BLOCK_SIZE + sizeof(lanes), sizeof(lanes));
        }
        transpose(words);
        transpose(words + 8);
        lanes a = states[0], b = states[1], c = states[2], d = states[3], last;
        ROUNDS
        states[0] += a;
        states[1] += b;
        states[2] += c;
        states[3] += d;
    }
}

typedef void add_to_all_fn(
    lanes states[4], const uint8_t *const blocks[MD5_TOGETHER_MAX], size_t count);

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void add_to_all_avx2(
    lanes states[4], const uint8_t *const blocks[MD5_TOGETHER_MAX], size_t count)
{
    add_to_all(states, blocks, count);
}

__attribute__((target("avx512f,avx512vl"))) static void add_to_all_avx512(
    lanes states[4], const uint8_t *const blocks[MD5_TOGETHER_MAX], size_t count)
{
    add_to_all(states, blocks, count);
}

/* NULL: one after the other is faster. */
static add_to_all_fn *best(void)
{
    return __builtin_cpu_supports("avx512vl") ? add_to_all_avx512
        : __builtin_cpu_supports("avx2")      ? add_to_all_avx2
                                              : NULL;
}
#else
static add_to_all_fn *best(void)
{
    return NULL;
}
#endif

/* ---- whole blocks of several messages ---- */

/* What is left to be hashed of one. */
struct run {
    struct md5 *md5;
    const uint8_t *blocks;
    size_t count;
};

static void skip(struct run *run, size_t count)
{
    run->blocks += count * MD5_BLOCK_SIZE;
    run->count -= count;
}

static void add_alone(struct run *run)
{
    add_blocks(run->md5, run->blocks, run->count);
    skip(run, run->count);
}

/* So many of each; lanes without a message do what the first does. */
static void add_together(
    add_to_all_fn *add, struct run *const runs[], unsigned run_count, size_t count)
{
    lanes states[4];
    const uint8_t *blocks[MD5_TOGETHER_MAX];
    for (unsigned i = 0; i < MD5_TOGETHER_MAX; i++) {
        const struct run *run = runs[i < run_count ? i : 0];
        blocks[i] = run->blocks;
        for (unsigned word = 0; word < 4; word++) {
            states[word][i] = run->md5->words[word];
        }
    }
    add(states, blocks, count);
    for (unsigned i = 0; i < run_count; i++) {
        for (unsigned word = 0; word < 4; word++) {
            runs[i]->md5->words[word] = states[word][i];
        }
        skip(runs[i], count);
    }
}

/* Those that have blocks left, and the fewest that one has. */
static unsigned choose(struct run runs[], unsigned count, struct run *chosen[], size_t *fewest)
{
    unsigned left = 0;
    *fewest = SIZE_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (runs[i].count > 0) {
            chosen[left++] = &runs[i];
            *fewest = runs[i].count < *fewest ? runs[i].count : *fewest;
        }
    }
    return left;
}

static void add_runs(struct run runs[], unsigned count)
{
    struct run *chosen[MD5_TOGETHER_MAX];
    size_t fewest;
    add_to_all_fn *add = best();
    for (unsigned left; (left = choose(runs, count, chosen, &fewest)) > 0;) {
        if (left == 1 || add == NULL) {
            add_alone(chosen[0]);
        } else {
            add_together(add, chosen, left, fewest);
        }
    }
}

/* ---- messages ---- */

void md5_begin(struct md5 *md5)
{
    *md5 = (struct md5){.words = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

/* A block that was begun is filled up first; what follows it. */
static struct view fill_rest(struct md5 *md5, struct view bytes)
{
    size_t used = md5->size % MD5_BLOCK_SIZE;
    size_t room = MD5_BLOCK_SIZE - used;
    size_t part = room < bytes.size ? room : bytes.size;
    md5->size += bytes.size;
    if (used == 0 || part == 0) {
        return bytes;
    }
    memcpy(md5->rest + used, bytes.bytes, part);
    if (part == room) {
        add_blocks(md5, md5->rest, 1);
    }
    return view_of(bytes.bytes + part, bytes.size - part);
}

/* Its whole blocks; what is no whole one is kept. */
static struct run run_of(const struct md5_piece *piece)
{
    struct view left = fill_rest(piece->md5, piece->bytes);
    size_t tail = left.size % MD5_BLOCK_SIZE;
    if (tail > 0) {
        memcpy(piece->md5->rest, left.bytes + left.size - tail, tail);
    }
    return (struct run){piece->md5, left.bytes, left.size / MD5_BLOCK_SIZE};
}

void md5_update_together(const struct md5_piece pieces[], unsigned count)
{
    struct run runs[MD5_TOGETHER_MAX];
    assert(0 < count && count <= MD5_TOGETHER_MAX);
    for (unsigned i = 0; i < count; i++) {
        runs[i] = run_of(&pieces[i]);
    }
    add_runs(runs, count);
}

void md5_update(struct md5 *md5, struct view bytes)
{
    const struct md5_piece piece = {md5, bytes};
    md5_update_together(&piece, 1);
}

/* 1 bit, zeros, and the length in bits. */
void md5_end(struct md5 *md5, uint8_t digest[MD5_SIZE])
{
    static const uint8_t padding[MD5_BLOCK_SIZE] = {0x80};
    const uint64_t bits = md5->size * 8;
    const size_t used = md5->size % MD5_BLOCK_SIZE;
    const size_t end = MD5_BLOCK_SIZE - sizeof(bits);
    md5_update(md5, view_of(padding, used < end ? end - used : end + MD5_BLOCK_SIZE - used));
    md5_update(md5, view_of(&bits, sizeof(bits)));
    assert(md5->size % MD5_BLOCK_SIZE == 0);
    memcpy(digest, md5->words, MD5_SIZE);
}
