import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/console/',
  plugins: [
    svelte({
      compilerOptions: { runes: true },
      onwarn(warning, handler) {
        // What a screen reader or a keyboard cannot use does not get built.
        if (warning.code.startsWith('a11y')) {
          throw new Error(`${warning.filename ?? ''}: ${warning.message}`);
        }
        handler?.(warning);
      },
    }),
  ],
  build: {
    target: 'es2023',
    // The content security policy allows nothing but files of our own origin, data: addresses included.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': server,
      '/console/socket': { target: server, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
});
