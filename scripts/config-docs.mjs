#!/usr/bin/env node
// Writes docs/configuration.md from the schema. Run it after `npm run build` when config/ has changed; a test fails
// while the two differ.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationReference } from '../dist/config/reference.js';

const path = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
writeFileSync(path, configurationReference());
process.stderr.write(`wrote ${path}\n`);
