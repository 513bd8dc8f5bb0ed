#include "core/training/state.h"

#include <assert.h>

void *spira_parameter_data(const struct spira_parameter *parameter)
{
    return parameter->number ? (void *)parameter->number : parameter->value;
}

size_t spira_parameter_bytes(const struct spira_parameter *parameter)
{
    return parameter->count * (parameter->number ? sizeof *parameter->number : sizeof(float));
}

static enum spira_code make_room_for_best(struct spira_training_state *state,
                                          struct spira_error *err)
{
    const struct spira_parameter *parameters =
        spira_network_parameters(state->network, &state->parameter_count);
    state->best = spira_alloc(state->parameter_count, sizeof *state->best);
    for (size_t i = 0; i < state->parameter_count; i++) {
        enum spira_code code =
            spira_big_alloc(&state->best[i], spira_parameter_bytes(&parameters[i]), 1,
                            "the best epoch's parameters", err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

enum spira_code spira_training_state_init(struct spira_training_state *state,
                                          struct spira_network *network, struct spira_error *err)
{
    struct spira_training_state made = {.network = network};
    enum spira_code code = spira_adam_init(&made.adam, spira_network_trained(network).count, err);
    if (code == SPIRA_OK)
        code = make_room_for_best(&made, err);
    if (code != SPIRA_OK) {
        made.network = NULL;
        spira_training_state_done(&made);
        return code;
    }
    *state = made;
    return SPIRA_OK;
}

void spira_training_state_done(struct spira_training_state *state)
{
    for (size_t i = 0; state->best && i < state->parameter_count; i++)
        free(state->best[i]);
    free(state->best);
    free(state->log);
    spira_adam_done(&state->adam);
    spira_network_free(state->network);
    *state = (struct spira_training_state){0};
}

size_t spira_training_state_best(const struct spira_training_state *state)
{
    size_t best = 0;
    for (size_t i = 1; i < state->epochs; i++)
        if (state->log[i].rank < state->log[best].rank)
            best = i;
    return state->epochs ? best + 1 : 0;
}

void spira_training_state_end_epoch(struct spira_training_state *state,
                                    const struct spira_epoch *epoch)
{
    state->log = spira_realloc(state->log, state->epochs + 1, sizeof *state->log);
    state->log[state->epochs++] = *epoch;
    state->loss_sum = 0;
    if (spira_training_state_best(state) < state->epochs)
        return;
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(state->network, &count);
    for (size_t i = 0; i < count; i++)
        memcpy(state->best[i], spira_parameter_data(&parameters[i]),
               spira_parameter_bytes(&parameters[i]));
}

void spira_training_state_restore_best(struct spira_training_state *state)
{
    assert(state->epochs > 0);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(state->network, &count);
    for (size_t i = 0; i < count; i++)
        memcpy(spira_parameter_data(&parameters[i]), state->best[i],
               spira_parameter_bytes(&parameters[i]));
}
