package dev.flywheel.samples;

import dev.flywheel.core.model.Prediction;
import dev.flywheel.pipeline.Deployment;
import dev.flywheel.samples.Flights.Delay;
import dev.flywheel.samples.Flights.Flight;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.UUID;

/** A deployment that learns, and the flights it has predicted that are in the air. */
final class Lane {

    /** A label on its way: known once the flight has landed. */
    private record Landing(Instant at, UUID id, boolean late) {}

    private final Deployment<Flight, Boolean, Delay> deployment;
    private final PriorityQueue<Landing> inTheAir = new PriorityQueue<>(Comparator.comparing(Landing::at));

    Lane(Deployment<Flight, Boolean, Delay> deployment) {
        this.deployment = deployment;
    }

    Deployment<Flight, Boolean, Delay> deployment() {
        return deployment;
    }

    void flies(Replay.Departure departure, Prediction<Delay> prediction) {
        inTheAir.add(new Landing(departure.landing(), prediction.id(), departure.late()));
    }

    /** Feeds back the outcomes of the flights that have landed by now. */
    void land(Instant upTo) {
        Map<UUID, Boolean> outcomes = new HashMap<>();
        while (!inTheAir.isEmpty() && !inTheAir.peek().at().isAfter(upTo)) {
            Landing landing = inTheAir.remove();
            outcomes.put(landing.id(), landing.late());
        }
        deployment.feedback(outcomes);
    }
}
