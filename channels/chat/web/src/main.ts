import { mount } from 'svelte';
import App from './App.svelte';
import '../../../../agentui/web/src/styles/tokens.css';
import './styles/chat.css';

const target = document.getElementById('app');
if (target) mount(App, { target });
