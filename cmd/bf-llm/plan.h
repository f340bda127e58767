/* plan: prints what a run would take, for people. */
#ifndef BF_LLM_PLAN_H
#define BF_LLM_PLAN_H

#include "engine/engine.h"

void print_plan(const struct engine_plan *p);

#endif
