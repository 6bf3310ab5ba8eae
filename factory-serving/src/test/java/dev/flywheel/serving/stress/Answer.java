package dev.flywheel.serving.stress;

/**
 * What a model says: the request that it answers, and which version it is. Immutable.
 *
 * @param version a constant in the model's graph
 */
record Answer(long id, Ask.Kind kind, float value, int version) {

    boolean fits(Ask ask) {
        return id == ask.id() && kind == ask.kind() && Float.compare(value, ask.value()) == 0;
    }
}
