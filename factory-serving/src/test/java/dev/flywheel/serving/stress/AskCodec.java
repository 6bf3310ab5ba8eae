package dev.flywheel.serving.stress;

import dev.flywheel.serving.Codec;
import dev.flywheel.serving.engine.Lane;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/** Writes requests and reads answers, fails where the request says so, and complains of two users at a time. */
final class AskCodec implements Codec<Ask, Answer> {

    private final Ledger ledger;

    AskCodec(Ledger ledger) {
        this.ledger = ledger;
    }

    @Override
    public Binding<Ask, Answer> bind(Lane lane) {
        return new Hands(lane, ledger);
    }

    private static final class Hands implements Binding<Ask, Answer> {

        private final Lane lane;
        private final Ledger ledger;
        private final AtomicBoolean used = new AtomicBoolean();

        Hands(Lane lane, Ledger ledger) {
            this.lane = lane;
            this.ledger = ledger;
        }

        @Override
        public void write(Ask ask, int row) {
            enter();
            try {
                switch (ask.kind()) {
                    case BAD_WRITE -> throw new InjectedFault(ask.kind(), ask.id());
                    case ERROR_WRITE -> throw new InjectedError(ask);
                    default -> StressModel.write(lane.input(0).floats(), row, ask);
                }
            } finally {
                used.set(false);
            }
        }

        @Override
        public Answer read(int row) {
            enter();
            try {
                FloatBuffer output = lane.output(0).floats();
                Answer answer = StressModel.answer(output, row);
                return switch (answer.kind()) {
                    case BAD_READ -> throw new InjectedFault(answer.kind(), answer.id());
                    case ERROR_READ -> throw new InjectedError(new Ask(answer.id(), answer.kind()));
                    default -> answer;
                };
            } finally {
                used.set(false);
            }
        }

        private void enter() {
            if (!used.compareAndSet(false, true)) {
                ledger.violation("two threads use one lane at a time");
            }
        }
    }
}
