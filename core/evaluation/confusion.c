#include "core/evaluation/confusion.h"

struct spira_confusion spira_confusion_at(const struct spira_scored *scored, size_t count,
                                          double threshold)
{
    struct spira_confusion confusion = {0};
    for (size_t i = 0; i < count; i++) {
        bool called_positive = scored[i].score >= threshold;
        confusion.tp += called_positive && scored[i].positive;
        confusion.fp += called_positive && !scored[i].positive;
        confusion.tn += !called_positive && !scored[i].positive;
        confusion.fn += !called_positive && scored[i].positive;
    }
    return confusion;
}
