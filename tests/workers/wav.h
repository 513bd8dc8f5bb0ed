/* The header of a WAV file, field by field, so that a test can also make it lie. */
#ifndef SPIRA_TESTS_WORKERS_WAV_H
#define SPIRA_TESTS_WORKERS_WAV_H

#include <stdint.h>
#include <string.h>

struct __attribute__((packed)) wav_header {
    char riff[4];
    uint32_t size;
    char wave[8];
    uint32_t format_size;
    uint16_t format, channels;
    uint32_t rate, byte_rate;
    uint16_t align, bits;
    char data[4];
    uint32_t data_size;
};

/* One of 16-bit samples of one channel. */
static inline struct wav_header wav_header(uint32_t rate, uint32_t frames)
{
    struct wav_header header = {
        .size = 36 + 2 * frames,
        .format_size = 16,
        .format = 1,
        .channels = 1,
        .rate = rate,
        .byte_rate = 2 * rate,
        .align = 2,
        .bits = 16,
        .data_size = 2 * frames,
    };
    memcpy(header.riff, "RIFF", sizeof header.riff);
    memcpy(header.wave, "WAVEfmt ", sizeof header.wave);
    memcpy(header.data, "data", sizeof header.data);
    return header;
}

#endif
