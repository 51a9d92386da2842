"""Parts for frameworks of voice agents, each loaded only with its framework: pipecat, livekit."""
